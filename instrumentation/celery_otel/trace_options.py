"""The options of spans, in the order of the reference page: part of the table in `settings`."""

from celery_otel import parsing
from celery_otel.option import Option

PROTOCOLS = ("http/protobuf", "grpc")
COMPRESSIONS = ("gzip", "deflate", "none")
TRACE_EXPORTERS = ("otlp", "console", "none")
SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
_LIMITS = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "attributes of a span, event or link",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "characters of an attribute's value",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "attributes of a span",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "characters of a span's attribute",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "events of a span",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "links of a span",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "attributes of an event",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "attributes of a link",
}


def _limit(key: str, what: str) -> Option:
    return Option(key, "", "a whole number", parsing.optional(parsing.whole), f"the most {what}")


TRACE_OPTIONS: dict[str, Option] = {
    "traces_exporters": Option(
        "OTEL_TRACES_EXPORTER",
        "otlp",
        "one of otlp, console, none, or a list such as otlp,console",
        parsing.choices(TRACE_EXPORTERS),
        "where the spans go; none makes none, and leaves the tracer provider to you",
    ),
    "traces_protocol": Option(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "",
        "http/protobuf or grpc",
        parsing.optional(parsing.choice(PROTOCOLS)),
        "how OTLP is spoken, for spans alone",
    ),
    "traces_endpoint": Option(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "",
        "a URL such as http://localhost:4318/v1/traces",
        parsing.optional(parsing.url),
        "where the collector listens, for spans alone, with its path",
    ),
    "traces_timeout": Option(
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "",
        "a number of seconds above 0",
        parsing.optional(parsing.positive),
        "how long one export may take, for spans alone, in seconds",
    ),
    "traces_headers": Option(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "",
        "a list such as api-key=secret,tenant=a",
        parsing.pairs,
        "headers sent with each export of spans",
        secret=True,
    ),
    "traces_compression": Option(
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "",
        "gzip, deflate or none",
        parsing.optional(parsing.choice(COMPRESSIONS)),
        "how exports of spans are compressed",
    ),
    "sampler": Option(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        f"one of {', '.join(SAMPLERS)}",
        parsing.choice(SAMPLERS),
        "which traces are recorded; whoever begins a trace decides, all others obey",
    ),
    "sampler_ratio": Option(
        "OTEL_TRACES_SAMPLER_ARG",
        "",
        "a number from 0 to 1",
        parsing.optional(parsing.ratio),
        "the share of traces for traceidratio and parentbased_traceidratio (default: 1, all of them)",
    ),
    "span_delay": Option(
        "OTEL_BSP_SCHEDULE_DELAY",
        "1000",
        "a number of milliseconds above 0",
        parsing.milliseconds,
        "how long a span waits for others before they are exported together, in milliseconds",
    ),
    "span_batch": Option(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "512",
        "a whole number above 0",
        parsing.count,
        "how many spans one export carries at most",
    ),
    "span_queue": Option(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "2048",
        "a whole number above 0",
        parsing.count,
        "how many spans wait for their export at most, outside a worker's main process",
    ),
    "span_queue_seconds": Option(
        "CELERY_OTEL_SPAN_QUEUE_SECONDS",
        "120",
        "a number of seconds above 0",
        parsing.positive,
        "how long the spans of a worker's attempts wait for a collector that is away, in seconds of the highest rate "
        "(500 kB of memory for each); a worker with less to do keeps its spans for longer",
    ),
    "log_correlation": Option(
        "OTEL_PYTHON_LOG_CORRELATION",
        "true",
        "true or false",
        parsing.boolean,
        "true: Celery's lines of tasks show trace_id and span_id, unless their format is yours",
    ),
    "new_trace_tasks": Option(
        "CELERY_OTEL_NEW_TRACE_TASKS",
        "",
        "a list of patterns such as shop.poll,shop.sync.*",
        parsing.items,
        "tasks whose publishing begins a new trace, linked to the one it was published in: for those that publish "
        "themselves again for ever, and for long ladders of retries",
    ),
    "capture_content": Option(
        "CELERY_OTEL_CAPTURE_CONTENT",
        "false",
        "true or false",
        parsing.boolean,
        "true: spans carry arguments, results and what exceptions say, which may be personal data",
    ),
    "capture_message_size": Option(
        "CELERY_OTEL_CAPTURE_MESSAGE_SIZE",
        "false",
        "true or false",
        parsing.boolean,
        "true: producer spans carry the size of the message, for which it is serialized a second time",
    ),
    **{key.removeprefix("OTEL_").lower(): _limit(key, what) for key, what in _LIMITS.items()},
}
