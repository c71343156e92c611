"""A collector that sends to a Jaeger, and what is known of the spans within."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from tests.acceptance.traces.sender import SERVICE

# After an outage, gRPC tries to connect again after up to two minutes.
_DEADLINE = 180.0
_DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"
_WAITING = "otelcol_exporter_queue_size"

NOTHING_BY_CHANCE = {"SAMPLING_PERCENTAGE": "0"}
"""Sampling keeps only what it has a reason to keep."""


class TracePipeline:
    """The two servers, started together.

    Args:
        directory: Where each has a folder.
        decision_wait: As in "1s".
        settings: As for `Collector`.
        configurations: As for `Collector`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        decision_wait: str = "1s",
        settings: Mapping[str, str] | None = None,
        configurations: Sequence[Path] = (),
    ) -> None:
        self.jaeger = JaegerServer(directory / "jaeger")
        self.collector = Collector(
            directory / "collector",
            jaeger=self.jaeger.otlp_target,
            decision_wait=decision_wait,
            settings=settings,
            configurations=configurations,
        )
        self._servers = ExitStack()

    def wait_until_settled(self, decided: int) -> None:
        """Wait until so many traces were decided on since the collector's start and nothing is on its way to Jaeger."""
        wait_until(
            lambda: decided == self._figure(_DECIDED),
            deadline=_DEADLINE,
            message=lambda: f"{self._figure(_DECIDED)} of {decided} traces were decided on",
        )
        self.wait_until_sent()

    def wait_until_sent(self) -> None:
        """Wait until Jaeger has confirmed all that the collector has queued."""
        wait_until(
            lambda: self._figure(_WAITING) == 0,
            deadline=_DEADLINE,
            message=lambda: f"{self._figure(_WAITING)} bytes still wait for Jaeger\n{self.collector.log[-2000:]}",
        )

    def stored(self) -> Counter[tuple[str, str]]:
        """Return how often Jaeger has each span, by trace id and name."""
        found = self.jaeger.search(SERVICE, raw=True)
        return Counter((trace.trace_id, span.operation) for trace in found for span in trace.spans)

    def _figure(self, name: str) -> float:
        page = fetch(f"http://{self.collector.telemetry_target}/metrics")
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name in {name, name + "_total"})

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.jaeger)
            starting.enter_context(self.collector)
            self._servers = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._servers.close()
