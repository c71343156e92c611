"""What is said of the workers."""

import pytest

from celery_otel.doctor import checks_workers
from celery_otel.doctor.facts import Reply
from celery_otel.doctor.finding import Level
from tests.unit.commands.cluster import NAME, bad, facts, worker


def test_no_worker() -> None:
    """When none answers, that is a problem."""
    assert [(Level.PROBLEM, "workers", "none answered")] == bad(list(checks_workers.answers(facts(workers=[]))))


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(NAME, 100, NAME), Reply(NAME, 200, NAME)],
        [Reply(NAME, None, NAME), Reply(NAME, None, NAME)],
        [Reply(NAME, 200, NAME)],
    ],
    ids=["two answers", "two answers of plain workers", "another process than the second time"],
)
def test_duplicate_names(replies: list[Reply]) -> None:
    """Two processes that answer under one name are a problem, also if the broker lets only one answer at a time."""
    found = bad(list(checks_workers.duplicates(facts(replies=replies))))
    assert [(Level.PROBLEM, f"worker {NAME}", "more than one worker answers under this name")] == found


def test_the_same_label() -> None:
    """Two workers whose series have one name are a problem."""
    replies = [Reply("celery@a", 1, "orders"), Reply("celery@b", 2, "orders")]
    found = bad(list(checks_workers.labels(facts(replies=replies))))
    assert [(Level.PROBLEM, "worker_name orders", "the series of celery@a and celery@b have the same name")] == found


def test_a_worker_that_is_not_instrumented() -> None:
    """It is named, and nothing is said of those that are."""
    workers = [worker(), worker("celery@plain", instrumented=False)]
    found = bad(list(checks_workers.instrumented(facts(workers=workers))))
    assert [(Level.PROBLEM, "worker celery@plain", "not instrumented: nothing that it does is counted")] == found


def test_other_versions() -> None:
    """A worker with other versions than here is a warning that names both."""
    workers = [worker(), worker("celery@old", versions={"celery": "5.4.0", "celery-otel": "0.1.0"})]
    found = bad(list(checks_workers.versions(facts(workers=workers))))
    assert [(Level.WARNING, "versions", "celery@old has celery 5.4.0, here is 5.7.0")] == found


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (0.9, []),
        (-0.9, []),
        (2.0, [(Level.PROBLEM, f"clock of {NAME}", "2.0 s ahead of the one here")]),
        (-2.0, [(Level.PROBLEM, f"clock of {NAME}", "2.0 s behind the one here")]),
    ],
)
def test_clocks(difference: float, expected: list[tuple[Level, str, str]]) -> None:
    """Clocks that differ by more than a second are a problem, whoever is ahead."""
    assert expected == bad(list(checks_workers.clocks(facts(workers=[worker(clock_difference=difference)]))))


def test_forgotten_revokes() -> None:
    """A worker that forgets revokes is a warning; one that does not say is none."""
    workers = [worker("celery@a", remembers_revokes=False), worker("celery@b", remembers_revokes=None)]
    found = bad(list(checks_workers.revokes(facts(workers=workers))))
    assert [(Level.WARNING, "revokes", "forgotten by celery@a at a restart")] == found


def test_a_worker_without_a_queue() -> None:
    """It will never do anything, which is a problem."""
    found = bad(list(checks_workers.idle(facts(workers=[worker(queues=())]))))
    assert [(Level.PROBLEM, f"worker {NAME}", "consumes no queue")] == found
