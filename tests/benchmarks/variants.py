"""What is compared: bare Celery, and Celery with one thing more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Variant:
    """One way to run the same worker.

    Attributes:
        key: Its short name.
        meaning: What it is, for the table.
        instrumentation: What the application sets up.
        env: More of the environment, of the worker and of those who publish to it.
        arguments: More of the worker's command line.
        quiet: A worker whose queue is empty is done when it has used no CPU time for so long, in seconds: what is sent
            later than its tasks were run belongs to them too.
        keeps: It keeps its counts on disk.
        beside: A monitor that watches its broker: `flower`, `celery-exporter` or none.
    """

    key: str
    meaning: str
    instrumentation: str = "bare"
    env: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    quiet: float = 0.4
    beside: str = ""
    keeps: bool = False

    def environment(self, directory: Path) -> dict[str, str]:
        """More of the environment, of a worker whose files go into a directory."""
        kept = {"CELERY_OTEL_STATE_DIRECTORY": str(directory / "state")} if self.keeps else {}
        return {**self.env, **kept}

    @property
    def exports(self) -> bool:
        """Whether its numbers are on the collector's page."""
        return self.instrumentation in {"celery-otel", "upstream"}


BARE = Variant("bare", "bare Celery")
#: Spans of celery-otel wait 1 s for others, to be sent together.
SPANS_LEAVE = 1.6
VARIANTS = (
    BARE,
    Variant("control", "bare Celery once more: what chance alone does"),
    Variant("frozen", "bare Celery with `gc.freeze()` before the fork", instrumentation="frozen"),
    Variant(
        "headers",
        "bare Celery, whose messages have the headers of an instrumented publisher that records no trace",
        instrumentation="headers",
        env={"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
    ),
    Variant(
        "metrics",
        "celery-otel, metrics alone",
        instrumentation="celery-otel",
        env={"OTEL_TRACES_EXPORTER": "none"},
    ),
    Variant(
        "kept",
        "celery-otel, metrics alone, counts kept on disk",
        instrumentation="celery-otel",
        env={"OTEL_TRACES_EXPORTER": "none"},
        keeps=True,
    ),
    Variant(
        "spans",
        "celery-otel, metrics and all spans",
        instrumentation="celery-otel",
        quiet=SPANS_LEAVE,
    ),
    Variant(
        "sampled",
        "celery-otel, metrics and the spans of 10 % of the traces",
        instrumentation="celery-otel",
        env={"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        quiet=SPANS_LEAVE,
    ),
    Variant("events", "Celery's own events (`-E`)", arguments=("-E",)),
    Variant("exporter", "events, and celery-exporter", arguments=("-E",), beside="celery-exporter"),
    Variant("flower", "events, and Flower", arguments=("-E",), beside="flower"),
    Variant(
        "upstream",
        "opentelemetry-instrumentation-celery with the SDK's defaults, spans and metrics over OTLP",
        instrumentation="upstream",
        # The SDK's span processor sends what is left of a batch after 5 s.
        quiet=6.0,
    ),
)
