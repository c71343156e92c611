"""What is read at one moment, and the series that say so. What could not be read is absent, never 0."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from celery_otel import names
from celery_otel.metric import Labels, Metric, Value

Figures = Mapping[Metric, float]
"""Figures by their metrics, in the metrics' units."""

_ENDING = frozenset(
    {
        names.PROCESS_MEMORY,
        names.PROCESS_MEMORY_PRIVATE,
        names.PROCESS_CPU_PERCENT,
        names.PROCESS_COUNT,
        names.PROCESS_OPEN_FILES,
        names.PROCESS_THREADS,
    }
)
"""What a process has no more when it has ended."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading.

    Attributes:
        figures: Those of the processes.
        gpus: Those of each GPU, by its number.
    """

    figures: Figures
    gpus: Mapping[str, Figures] = field(default_factory=dict)

    def ended(self) -> "Reading":
        """The last reading of processes that end: their gauges are 0, what they have used stays."""
        return replace(
            self, figures={metric: 0 if metric in _ENDING else self.figures[metric] for metric in self.figures}
        )

    def series(self, process_type: str, name: str) -> dict[Metric, dict[Labels, Value]]:
        """The series.

        Args:
            process_type: The value of their label `process_type`.
            name: The value of their label `worker_name`.
        """
        series: dict[Metric, dict[Labels, Value]] = {
            metric: {(process_type, name): value} for metric, value in self.figures.items()
        }
        for gpu, figures in self.gpus.items():
            for metric, value in figures.items():
                series.setdefault(metric, {})[process_type, name, gpu] = value
        return series
