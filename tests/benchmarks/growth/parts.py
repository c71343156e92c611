"""What is measured, part by part."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.growth.attempts import by_errors, by_names, by_queues
from tests.benchmarks.growth.backlog import by_backlog
from tests.benchmarks.growth.fleet import by_workers
from tests.benchmarks.growth.growth import Growth
from tests.benchmarks.growth.pool import by_children, by_registered
from tests.benchmarks.growth.scale import Scale


@dataclass(frozen=True)
class Part:
    """One thing that grows.

    Attributes:
        key: Its name on the command line.
        size: What grows, as the table calls it.
        where: What was measured, for the table's head.
        measure: Measures it, in a directory of its own.
    """

    key: str
    size: str
    where: str
    measure: Callable[[Path, Scale], list[Growth]]


PARTS = (
    Part("names", "task names", "celery-otel's own work in MAIN, metrics and all spans", by_names),
    Part("errors", "error types", "the same, of one task that fails; 50 types have labels of their own", by_errors),
    Part("queues", "queues", "the same, of one task; 50 queues have labels of their own", by_queues),
    Part("registered", "tasks", "a real worker with two children that knows and runs so many tasks", by_registered),
    Part("children", "children", "a real prefork worker, each of whose tasks sends a record to MAIN", by_children),
    Part("workers", "workers", "simulated workers, one real collector and one real Prometheus", by_workers),
    Part("backlog", "messages that wait", "one queue of Redis", by_backlog),
)
Grown = dict[Part, list[Growth]]
