"""All checks together."""

from celery_otel.doctor.examination import judged
from celery_otel.doctor.facts import Conf, Reached
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import bad, facts


def test_a_healthy_cluster() -> None:
    """Of a cluster to which nothing is wrong, no check complains."""
    assert [] == bad(judged(facts()))


def test_every_complaint_has_advice() -> None:
    """Whatever is not well comes with what to do about it, and what is well comes without."""
    nothing = facts(
        broker=Reached("", error="refused"),
        backend=Reached("redis://", error="refused"),
        workers=[],
        replies=[],
        queues=[],
        conf=Conf(ignore_result=True, track_started=False, send_task_events=True),
        collector=Reached("http://localhost:4318", error="refused"),
        collector_page=None,
        prometheus=None,
        modules_error="ImportError: no",
        environ={"OTEL_SDK_DISABLED": "true"},
    )
    findings = [*judged(nothing), *judged(facts())]
    assert [] == [finding for finding in findings if (finding.level is Level.OK) == bool(finding.advice)]


def test_nothing_is_said_of_workers_without_a_broker() -> None:
    """With the broker away, it alone is to blame, and nothing is claimed of workers and queues."""
    away = facts(broker=Reached("", error="refused"), workers=[], replies=[], queues=[])
    assert [(Level.PROBLEM, "broker", "refused")] == bad(judged(away))
