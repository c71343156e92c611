"""Judges the variables of the environment here, which should be those of the workers."""

from collections.abc import Iterator, Mapping

from celery_otel.doctor.duration import seconds
from celery_otel.doctor.facts import Facts
from celery_otel.doctor.finding import Finding, ok, problem, warning
from celery_otel.errors import ConfigurationError
from celery_otel.settings import OPTIONS, Settings

WHERE = "environment"
EXPIRATION = "CELERY_OTEL_COLLECTOR_METRIC_EXPIRATION"
_EXPIRATION_DEFAULT = 120.0
_OURS = "CELERY_OTEL_"
_OTHERS_OF_OURS = ("CELERY_OTEL_API_", "CELERY_OTEL_COLLECTOR_", "CELERY_OTEL_TOOL_", "CELERY_OTEL_PYTHON_")
REPLACED = {
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE": "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE": "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
    "OTEL_EXPORTER_JAEGER_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_JAEGER_AGENT_HOST": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_JAEGER_AGENT_PORT": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
}
"""Variables of OpenTelemetry's past, and what to set instead."""


def environment(facts: Facts) -> Iterator[Finding]:
    """Whether the variables can be used, and are known."""
    try:
        settings = Settings.read(facts.environ)
    except ConfigurationError as error:
        yield problem(WHERE, str(error), "Correct it: a worker that reads this does not start.")
        return
    found = [*_off(settings), *_interval(settings, facts.environ), *_forgotten(facts.environ)]
    yield from found or [ok(WHERE, f"metrics to {', '.join(settings.exporters)}, every {settings.interval:g} s")]


def _off(settings: Settings) -> Iterator[Finding]:
    if settings.disabled:
        yield problem(
            WHERE, "OTEL_SDK_DISABLED is true: nothing is measured or exported", "Unset it, and restart the workers."
        )
        return
    if not settings.exporters:
        yield problem(
            WHERE, "OTEL_METRICS_EXPORTER is none: no metrics leave the workers", "Unset it, or set it to otlp."
        )
    if not settings.traces_exporters:
        yield warning(WHERE, "OTEL_TRACES_EXPORTER is none: no spans are made", "Unset it, or set it to otlp.")


def _interval(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    expiration = seconds(environ.get(EXPIRATION, "")) or _EXPIRATION_DEFAULT
    if settings.interval > expiration / 3:
        yield warning(
            WHERE,
            f"OTEL_METRIC_EXPORT_INTERVAL is {settings.interval:g} s, above a third of the {expiration:g} s after "
            "which the collector drops a series",
            f"Export more often, or raise {EXPIRATION}: else one slow export looks like a dead worker.",
        )


def _forgotten(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that nobody reads."""
    known = {option.key for option in OPTIONS.values()}
    for key in sorted(environ):
        if key in REPLACED:
            yield warning(WHERE, f"{key} is not read any more", f"Set {REPLACED[key]} instead.")
        elif key.startswith(_OURS) and key not in known and not key.startswith(_OTHERS_OF_OURS):
            yield warning(
                WHERE, f"{key} is no setting of celery-otel", "Correct its name: see docs/reference/settings.md."
            )
