"""A million different names, given to what counts in a worker: more than a real one receives in an hour."""

import uuid

import psutil

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.counts import Counts
from celery_otel.core.labels import BoundedLabel
from celery_otel.core.outcome import Outcome, Status
from celery_otel.settings import Settings
from tests.attacks.target import MEGABYTE
from tests.attacks.verdict import Verdict

NUMBER = 1_000_000
#: What the counts may keep of all that, in megabytes.
MEMORY = 1.0


def attack(number: int = NUMBER) -> Verdict:
    """Counts so many failed attempts, each from a queue and with an exception that no other had, with the defaults.

    Args:
        number: How many.
    """
    settings = Settings.read({})
    counts = Counts(settings.duration_buckets, settings.max_error_types)
    queue = counts.bounded("queue_name", settings.max_queues, names.TASK_QUEUE_TIME)
    verdict = Verdict("distinct names of queues and exceptions, without a broker", number)
    _count(counts, queue, 2 * (settings.max_error_types + settings.max_queues))
    before, series = psutil.Process().memory_full_info().uss, _series(counts)
    _count(counts, queue, number)
    grown = (psutil.Process().memory_full_info().uss - before) / MEGABYTE
    verdict.hold(_series(counts) == series, f"{_series(counts)} series, before {series}")
    verdict.hold(grown < MEMORY, f"{grown:.1f} MB more")
    verdict.remarks.append(f"{series} series as before, {grown:+.1f} MB")
    return verdict


def _count(counts: Counts, queue: BoundedLabel, number: int) -> None:
    for _ in range(number):
        attempt = Attempt.described("shop.order", queue(f"q{uuid.uuid4()}"), ("", "0", "0"), 0.0)
        attempt.published_at = attempt.received_at
        counts.received(attempt)
        counts.started(attempt, 0.0)
        counts.ended(attempt, Outcome(Status.FAILURE, detail=f"E{uuid.uuid4().hex}"), 0.0, 0.0, 0.0)


def _series(counts: Counts) -> int:
    return sum(map(len, counts.read("w@host", 0.0).values()))
