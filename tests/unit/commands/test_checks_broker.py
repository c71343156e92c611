"""What is said of the broker, the result backend and the queues."""

import pytest

from celery_otel.broker import QueueLength
from celery_otel.doctor import checks_broker
from celery_otel.doctor.facts import Conf, Reached
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import bad, facts, worker


def test_a_slow_broker() -> None:
    """A broker that takes longer than a second to connect is a warning."""
    found = bad(list(checks_broker.broker(facts(broker=Reached("redis://h", seconds=1.5)))))
    assert [(Level.WARNING, "broker", "redis://h took 1.5 s to connect")] == found


def test_a_backend_that_is_away() -> None:
    """A result backend that does not answer is a problem."""
    found = bad(list(checks_broker.backend(facts(backend=Reached("redis://h", error="refused")))))
    assert [(Level.PROBLEM, "result backend", "redis://h does not answer: refused")] == found


def test_no_backend() -> None:
    """An application without a result backend is told so, and is well."""
    finding = next(checks_broker.backend(facts(backend=None, conf=Conf(has_backend=False))))
    assert (Level.OK, True) == (finding.level, finding.found.startswith("none:"))


@pytest.mark.parametrize(
    ("queue", "level"),
    [
        (QueueLength("mail", 5), Level.PROBLEM),
        (QueueLength("mail", 0), Level.OK),
        (QueueLength("mail", 5, consumers=1), Level.OK),
        (QueueLength("celery", 5), Level.OK),
        (QueueLength("celery", None, reason="it is a secret"), Level.WARNING),
        (QueueLength("mail", None, reason="the broker has no such queue"), Level.OK),
    ],
)
def test_queues(queue: QueueLength, level: Level) -> None:
    """A queue in which something waits, and that nobody consumes, is a problem; not knowing how much is a warning."""
    assert [level] == [finding.level for finding in checks_broker.queues(facts(queues=[queue], workers=[worker()]))]
