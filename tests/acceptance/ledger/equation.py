"""The equation that holds in every export: received = ended + returned + active + prefetched."""

from collections.abc import Iterable

from celery_otel import names
from tests.acceptance.ledger.tap import Export

ACCOUNTED = (names.TASK_TOTAL, names.TASK_RETURNED, names.ACTIVE_TASKS, names.WORKER_PREFETCH_COUNT)


def violations(exports: Iterable[Export]) -> list[str]:
    """Every export in which the equation does not hold, as a line to read."""
    return [
        f"export {number} of {export.instance}: received {received(export):g} != accounted {accounted(export):g}"
        for number, export in enumerate(exports)
        if received(export) != accounted(export)
    ]


def received(export: Export) -> float:
    """What the worker had received."""
    return export.counters.get(names.TASK_RECEIVED.name, 0.0)


def accounted(export: Export) -> float:
    """What became of it, as far as it had."""
    values = {**export.counters, **export.gauges}
    return sum(values.get(metric.name, 0.0) for metric in ACCOUNTED)
