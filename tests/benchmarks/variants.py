"""What is compared: bare Celery, and Celery with one thing more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One way to run the same worker.

    Attributes:
        key: Its short name.
        meaning: What it is, for the table.
        instrumentation: What the application sets up.
        arguments: More of the worker's command line.
        quiet: A worker whose queue is empty is done when it has used no CPU time for so long, in seconds: what is sent
            later than its tasks were run belongs to them too.
    """

    key: str
    meaning: str
    instrumentation: str = "bare"
    arguments: tuple[str, ...] = ()
    quiet: float = 0.4


BARE = Variant("bare", "bare Celery")
VARIANTS = (
    BARE,
    Variant("control", "bare Celery once more: what chance alone does"),
    Variant("frozen", "bare Celery with `gc.freeze()` before the fork", instrumentation="frozen"),
    Variant("celery-otel", "celery-otel, metrics over OTLP", instrumentation="celery-otel"),
    Variant("events", "Celery's own events (`-E`)", arguments=("-E",)),
    Variant(
        "upstream",
        "opentelemetry-instrumentation-celery with the SDK's defaults, spans and metrics over OTLP",
        instrumentation="upstream",
        # The SDK's span processor sends what is left of a batch after 5 s.
        quiet=6.0,
    ),
)
