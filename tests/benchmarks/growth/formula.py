"""How many series a worker has: what docs/concepts/attempts.md says, and what is on the collector's page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from celery_otel.metric import Distribution, Labels, Metric, Value
from celery_otel.settings import Settings
from celery_otel_pipeline.repository import ROOT

PAGE = ROOT / "docs" / "concepts" / "attempts.md"
#: How many of these there are is up to the machine: whether it has limits, and GPUs.
_OF_MACHINE = ("celery_process_", "celery_gpu_")
_SAID = re.compile(r"> (\d+) \+ \*E\* \+ (\d+) \u00d7 \*T\*, and (\d+) more where it exports spans")


@dataclass(frozen=True)
class Formula:
    """The series of a worker that has done nothing.

    Attributes:
        base: Those that every worker has.
        task: Those of each registered task.
        spans: Those of a worker that exports spans.
    """

    base: int
    task: int
    spans: int

    @classmethod
    def documented(cls) -> "Formula":
        """What the page says.

        Raises:
            ValueError: It says nothing of the kind.
        """
        found = _SAID.search(PAGE.read_text(encoding="utf-8"))
        if found is None:
            raise ValueError(f"{PAGE} has no formula of the form {_SAID.pattern!r}")
        return cls(*map(int, found.groups()))

    def series(self, tasks: int, *, exporters: int = 1, spans: bool = True) -> int:
        """How many there are with so many tasks and exporters of metrics."""
        return self.base + exporters + self.task * tasks + self.spans * spans

    def after(self, tasks: int) -> int:
        """How many there are when each of so many tasks has succeeded, all from one queue and without an ETA."""
        histogram = len(Settings.read({}).duration_buckets) + 3
        # Duration, queue time, prefetch time; and the queue's last receipt.
        return self.series(tasks) + 3 * histogram * tasks + 1


def on_page(page: str, instance: str) -> list[str]:
    """The series of one worker on the collector's page, each as it is written there.

    Args:
        page: In Prometheus' text format.
        instance: The worker's name.
    """
    own = f'instance="{instance}"'
    lines = (line.rpartition(" ")[0] for line in page.splitlines())
    return [line for line in lines if line.startswith("celery_") and not line.startswith(_OF_MACHINE) and own in line]


def in_readings(readings: Mapping[Metric, Mapping[Labels, Value]]) -> int:
    """How many series Prometheus makes of readings: of a histogram one for each bucket, the sum and the count."""
    return sum(_series(value) for series in readings.values() for value in series.values())


def _series(value: Value) -> int:
    return len(value.counts) + 2 if isinstance(value, Distribution) else 1
