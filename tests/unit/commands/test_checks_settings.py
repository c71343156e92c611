"""What is said of Celery's settings."""

import pytest

from celery_otel.doctor import checks_settings
from celery_otel.doctor.examination import Check
from celery_otel.doctor.facts import Conf, TaskSettings
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import NAME, NOW, bad, facts, held, worker

LATE = TaskSettings("shop.order", time_limit=None, acks_late=True, survives_loss=True)


def conf(**told: object) -> Conf:
    """Settings with the visibility timeout of Redis."""
    return Conf(**{"visibility_timeout": 3600.0, **told})  # type: ignore[arg-type]  # each is of its field


@pytest.mark.parametrize(
    ("limit", "acks_late", "expected"), [(7200.0, True, 1), (7200.0, False, 0), (3600.0, True, 0), (None, True, 0)]
)
def test_time_limits_above_the_visibility_timeout(limit: float | None, *, acks_late: bool, expected: int) -> None:
    """A task that may run for longer than its message stays hidden, and is acknowledged late, is a problem."""
    tasks = [TaskSettings("shop.order", limit, acks_late=acks_late, survives_loss=True)]
    assert expected == len(bad(list(checks_settings.visibility(facts(conf=conf(tasks=tasks))))))


@pytest.mark.parametrize(
    ("task", "part"),
    [
        (held(time_start=NOW - 7200), "running for longer: shop.order (2h 00m)"),
        (held("scheduled", eta=NOW + 7200), "an ETA further away: shop.order (2h 00m)"),
    ],
    ids=["running", "scheduled"],
)
def test_messages_that_are_held_for_too_long(task: object, part: str) -> None:
    """A message that is held for longer than the visibility timeout will be delivered again: a problem."""
    found = facts(workers=[worker(tasks=(task,))], conf=conf(tasks=[LATE]))
    [(level, what, said)] = bad(list(checks_settings.visibility(found)))
    assert (Level.PROBLEM, "visibility_timeout", True) == (level, what, said.endswith(part))


def test_a_broker_that_hides_no_messages() -> None:
    """Where messages are not delivered again, nothing is said about it."""
    found = facts(workers=[worker(tasks=(held("scheduled", eta=NOW + 7200),))], conf=conf(visibility_timeout=None))
    assert [] == list(checks_settings.visibility(found))


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        (checks_settings.ignored_results, {"ignore_result": True}),
        (checks_settings.track_started, {"track_started": False}),
        (checks_settings.events, {"send_task_events": True}),
        (checks_settings.late_acks, {"tasks": [TaskSettings("a", None, acks_late=True, survives_loss=False)]}),
    ],
    ids=["ignored results", "started", "events", "late acks"],
)
def test_settings_that_surprise(check: Check, changed: dict[str, object]) -> None:
    """Each is a warning, and none as long as it is not set."""
    assert [] == list(check(facts(conf=conf(tasks=[LATE]))))
    assert [Level.WARNING] == [finding.level for finding in check(facts(conf=conf(**changed)))]


@pytest.mark.parametrize("changed", [{"ignore_result": True}, {"track_started": False}])
def test_results_without_a_backend(changed: dict[str, object]) -> None:
    """Without a result backend nothing is said of results."""
    found = facts(conf=conf(has_backend=False, **changed))
    assert [] == [*checks_settings.ignored_results(found), *checks_settings.track_started(found)]


@pytest.mark.parametrize(
    ("multiplier", "seconds", "reserved", "expected"),
    [(4, 90, 3, 1), (1, 90, 3, 0), (4, 30, 3, 0), (4, 90, 0, 0), (0, 90, 3, 1)],
)
def test_prefetch(multiplier: int, seconds: float, reserved: int, expected: int) -> None:
    """Tasks that wait behind one that runs for more than a minute are a warning, unless none are prefetched."""
    busy = worker(
        tasks=(held(time_start=NOW - seconds),),
        counts={"active": 1, "reserved": reserved, "scheduled": 0},
        settings={"worker_prefetch_multiplier": multiplier},
    )
    found = bad(list(checks_settings.prefetch(facts(workers=[busy]))))
    assert [(Level.WARNING, f"prefetch of {NAME}")] * expected == [(level, what) for level, what, _ in found]


def test_modules() -> None:
    """Tasks that cannot be imported are a problem."""
    found = bad(list(checks_settings.modules(facts(modules_error="ImportError: no shop"))))
    assert [(Level.PROBLEM, "modules of tasks", "cannot be imported: ImportError: no shop")] == found
