"""Every option of the worker package, once: read from the environment, checked, and typed.

OpenTelemetry's own variables come first; `CELERY_OTEL_*` exists only for what they lack. The exporters read the rest of
`OTEL_EXPORTER_OTLP_*` themselves, so these are only checked here: a mistake shall be said at start and in our words.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from celery_otel import parsing
from celery_otel.errors import ConfigurationError
from celery_otel.option import Option
from celery_otel.resource_options import RESOURCE_OPTIONS
from celery_otel.trace_options import COMPRESSIONS, PROTOCOLS, TRACE_OPTIONS
from celery_otel.worker_options import WORKER_OPTIONS

QUICK_BUCKETS = "0.005,0.01,0.025,0.05,0.1,0.25,0.5"
GUIDE_BUCKETS = "1,5,10,30,60,120,300,600,1800,3600,7200"
"""The buckets of the monitoring guide, in seconds; the quick ones below them are ours."""

CLOSE_TIMEOUT = 2.0
"""The most that the end of a process waits for its last exports, in seconds."""

EXPORTERS = ("otlp", "prometheus", "console", "none")

OPTIONS: dict[str, Option] = {
    "disabled": Option(
        "OTEL_SDK_DISABLED",
        "false",
        "true or false",
        parsing.boolean,
        "true: celery-otel measures and exports nothing; publishers still pass on the time of publishing and the "
        "trace they are in",
    ),
    "exporters": Option(
        "OTEL_METRICS_EXPORTER",
        "otlp",
        "one of otlp, prometheus, console, none, or a list such as otlp,prometheus",
        parsing.choices(EXPORTERS),
        "where the metrics go",
    ),
    "interval": Option(
        "OTEL_METRIC_EXPORT_INTERVAL",
        "15000",
        "a number of milliseconds above 0",
        parsing.milliseconds,
        "how often the metrics are exported, in milliseconds; not more often than Prometheus scrapes",
    ),
    "protocol": Option(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "http/protobuf",
        "http/protobuf or grpc",
        parsing.choice(PROTOCOLS),
        "how OTLP is spoken",
    ),
    "metrics_protocol": Option(
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "",
        "http/protobuf or grpc",
        parsing.optional(parsing.choice(PROTOCOLS)),
        "the same, for metrics alone",
    ),
    "endpoint": Option(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "a URL such as http://localhost:4318",
        parsing.optional(parsing.url),
        "where the collector listens (default: localhost, port 4318 for http/protobuf, 4317 for grpc)",
    ),
    "metrics_endpoint": Option(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "",
        "a URL such as http://localhost:4318/v1/metrics",
        parsing.optional(parsing.url),
        "the same, for metrics alone, with its path",
    ),
    "timeout": Option(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "10",
        "a number of seconds above 0",
        parsing.positive,
        "how long one export may take, in seconds",
    ),
    "metrics_timeout": Option(
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "",
        "a number of seconds above 0",
        parsing.optional(parsing.positive),
        "the same, for metrics alone",
    ),
    "headers": Option(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        "a list such as api-key=secret,tenant=a",
        parsing.pairs,
        "headers sent with each export",
        secret=True,
    ),
    "metrics_headers": Option(
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        "",
        "a list such as api-key=secret,tenant=a",
        parsing.pairs,
        "the same, for metrics alone",
        secret=True,
    ),
    "compression": Option(
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "none",
        "gzip, deflate or none",
        parsing.choice(COMPRESSIONS),
        "how exports are compressed; gRPC knows no deflate",
    ),
    "metrics_compression": Option(
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "",
        "gzip, deflate or none",
        parsing.optional(parsing.choice(COMPRESSIONS)),
        "the same, for metrics alone",
    ),
    "service_name": Option(
        "OTEL_SERVICE_NAME",
        "",
        "a name",
        str,
        "the service: label job, and who a span is from (default: the name of the Celery app for workers, with "
        "-producer behind it for everybody else who publishes; with the same name for both, Jaeger draws no edge)",
    ),
    "resource_attributes": Option(
        "OTEL_RESOURCE_ATTRIBUTES",
        "",
        "a list such as deployment.environment.name=prod,service.namespace=shop",
        parsing.pairs,
        "what else is known of the service",
    ),
    "prometheus_host": Option(
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "localhost",
        "an address of this machine",
        parsing.text,
        "where the worker serves /metrics itself, for the exporter prometheus",
    ),
    "prometheus_port": Option(
        "OTEL_EXPORTER_PROMETHEUS_PORT", "9464", "a port from 1 to 65535", parsing.port, "and on which port"
    ),
    **WORKER_OPTIONS,
    "beat_name": Option(
        "CELERY_OTEL_BEAT_NAME",
        "",
        "a name that stays the same when beat is replaced, and that no second beat has",
        str,
        "label instance of beat's series (default: beat@ and the host's name; embedded: beat- and the worker's name)",
    ),
    "beat_prometheus_port": Option(
        "CELERY_OTEL_BEAT_PROMETHEUS_PORT",
        "",
        "a port from 1 to 65535",
        parsing.optional(parsing.port),
        "where beat serves its /metrics (default: OTEL_EXPORTER_PROMETHEUS_PORT; embedded in a worker: nowhere)",
    ),
    "excluded_tasks": Option(
        "CELERY_OTEL_EXCLUDED_TASKS",
        "",
        "a list of patterns such as celery.*,shop.noise.*",
        parsing.items,
        "tasks that are not counted",
    ),
    "duration_buckets": Option(
        "CELERY_OTEL_DURATION_BUCKETS",
        f"{QUICK_BUCKETS},{GUIDE_BUCKETS}",
        "ascending numbers of seconds above 0, such as 0.1,1,10",
        parsing.bounds,
        "upper bounds of the histograms' buckets, in seconds",
    ),
    "max_tasks": Option(
        "CELERY_OTEL_MAX_TASKS", "1000", "a whole number above 0", parsing.count, "how many task names become labels"
    ),
    "max_error_types": Option(
        "CELERY_OTEL_MAX_ERROR_TYPES",
        "50",
        "a whole number above 0",
        parsing.count,
        "how many exception classes become labels",
    ),
    "max_queues": Option(
        "CELERY_OTEL_MAX_QUEUES", "50", "a whole number above 0", parsing.count, "how many queue names become labels"
    ),
    "max_model_types": Option(
        "CELERY_OTEL_MAX_MODEL_TYPES",
        "50",
        "a whole number above 0",
        parsing.count,
        "how many model types, and how many tuning methods, become labels",
    ),
    "max_entries": Option(
        "CELERY_OTEL_MAX_ENTRIES",
        "200",
        "a whole number above 0",
        parsing.count,
        "how many names of beat's entries become labels",
    ),
    **RESOURCE_OPTIONS,
    **TRACE_OPTIONS,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The options, read and checked. Each field is the option of that name; times are in seconds."""

    disabled: bool
    exporters: tuple[str, ...]
    interval: float
    protocol: str
    timeout: float
    compression: str
    service_name: str
    resource_attributes: Mapping[str, str]
    prometheus_host: str
    prometheus_port: int
    worker_name: str
    state_directory: str | None
    beat_name: str
    beat_prometheus_port: int | None
    excluded_tasks: tuple[str, ...]
    duration_buckets: tuple[float, ...]
    max_tasks: int
    max_error_types: int
    max_queues: int
    max_model_types: int
    traces_exporters: tuple[str, ...]
    traces_protocol: str
    traces_timeout: float
    traces_compression: str
    sampler: str
    sampler_ratio: float | None
    span_delay: float
    span_batch: int
    span_queue: int
    span_queue_seconds: float
    log_correlation: bool
    attribute_count_limit: int | None
    attribute_value_length_limit: int | None
    span_attribute_count_limit: int | None
    span_attribute_value_length_limit: int | None
    span_event_count_limit: int | None
    span_link_count_limit: int | None
    event_attribute_count_limit: int | None
    link_attribute_count_limit: int | None
    new_trace_tasks: tuple[str, ...]
    capture_content: bool
    capture_message_size: bool
    max_entries: int
    resources: bool
    resources_interval: float

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of an environment.

        Raises:
            ConfigurationError: A variable holds something that cannot be used.
        """
        values = {name: option.read(environ) for name, option in OPTIONS.items()}
        for name in ("protocol", "timeout", "compression"):
            general = values[name]
            values[name] = values[f"metrics_{name}"] or general
            values[f"traces_{name}"] = values[f"traces_{name}"] or general
        if (values["protocol"], values["compression"]) == ("grpc", "deflate"):
            raise _no_deflate("metrics_compression", environ)
        if (values["traces_protocol"], values["traces_compression"]) == ("grpc", "deflate"):
            raise _no_deflate("traces_compression", environ)
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})

    def excludes(self, task: str) -> bool:
        """Whether a task is left out."""
        return _matches(task, self.excluded_tasks)

    def starts_new_trace(self, task: str) -> bool:
        """Whether publishing a task begins a new trace."""
        return _matches(task, self.new_trace_tasks)


def _no_deflate(own: str, environ: Mapping[str, str]) -> ConfigurationError:
    """What is wrong with a compression that gRPC does not know, by the variable that holds it."""
    key = next(OPTIONS[name].key for name in (own, "compression") if environ.get(OPTIONS[name].key))
    return ConfigurationError(key, "deflate", "gzip or none, the protocol being grpc")


def _matches(task: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(task, pattern) for pattern in patterns)
