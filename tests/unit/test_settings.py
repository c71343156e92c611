"""Every option is read from the environment, checked, and refused with a message that helps."""

import pytest

from celery_otel.errors import CeleryOtelError, ConfigurationError
from celery_otel.settings import OPTIONS, Settings


def test_the_defaults_are_those_of_the_documentation() -> None:
    """With nothing set, metrics go to a local collector every 15 seconds, in the guide's buckets."""
    settings = Settings.read({})
    assert (("otlp",), 15.0, "http/protobuf") == (settings.exporters, settings.interval, settings.protocol)
    guide = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
    assert (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, *guide) == settings.duration_buckets
    assert "localhost" == settings.prometheus_host


@pytest.mark.parametrize(
    ("field", "expected", "environ"),
    [
        ("exporters", ("otlp", "prometheus"), {"OTEL_METRICS_EXPORTER": "otlp, prometheus"}),
        ("exporters", (), {"OTEL_METRICS_EXPORTER": "none"}),
        ("exporters", ("otlp",), {"OTEL_METRICS_EXPORTER": ""}),
        ("interval", 0.5, {"OTEL_METRIC_EXPORT_INTERVAL": "500"}),
        ("protocol", "grpc", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        ("protocol", "grpc", {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}),
        ("disabled", True, {"OTEL_SDK_DISABLED": "TRUE"}),
        ("service_name", "shop", {"OTEL_SERVICE_NAME": "shop"}),
        ("resource_attributes", {"a": "1 2", "b": ""}, {"OTEL_RESOURCE_ATTRIBUTES": "a=1%202,b="}),
        ("prometheus_port", 9500, {"OTEL_EXPORTER_PROMETHEUS_PORT": "9500"}),
        ("worker_name", "worker-0", {"CELERY_OTEL_WORKER_NAME": "worker-0"}),
        ("state_directory", "/proc", {"CELERY_OTEL_STATE_DIRECTORY": "/proc"}),
        ("state_directory", "/nowhere/yet", {"CELERY_OTEL_STATE_DIRECTORY": "/nowhere/yet"}),
        ("state_directory", None, {}),
        ("excluded_tasks", ("celery.*", "shop.noise"), {"CELERY_OTEL_EXCLUDED_TASKS": "celery.*, shop.noise"}),
        ("duration_buckets", (0.1, 2.0), {"CELERY_OTEL_DURATION_BUCKETS": "0.1,2"}),
        ("max_model_types", 4, {"CELERY_OTEL_MAX_MODEL_TYPES": "4"}),
        ("max_queues", 3, {"CELERY_OTEL_MAX_QUEUES": "3"}),
        ("traces_exporters", ("otlp", "console"), {"OTEL_TRACES_EXPORTER": "otlp,console"}),
        ("traces_exporters", (), {"OTEL_TRACES_EXPORTER": "none"}),
        ("traces_protocol", "grpc", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        ("traces_protocol", "grpc", {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}),
        (
            "traces_protocol",
            "http/protobuf",
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
        ),
        ("traces_timeout", 2.5, {"OTEL_EXPORTER_OTLP_TIMEOUT": "2.5"}),
        ("traces_timeout", 2.0, {"OTEL_EXPORTER_OTLP_TIMEOUT": "9", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2"}),
        ("sampler", "traceidratio", {"OTEL_TRACES_SAMPLER": "traceidratio"}),
        ("sampler_ratio", 0.5, {"OTEL_TRACES_SAMPLER_ARG": "0.5"}),
        ("sampler_ratio", None, {}),
        ("span_delay", 0.25, {"OTEL_BSP_SCHEDULE_DELAY": "250"}),
        ("span_batch", 10, {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"}),
        ("span_queue", 10, {"OTEL_BSP_MAX_QUEUE_SIZE": "10"}),
        ("new_trace_tasks", ("a.*", "b"), {"CELERY_OTEL_NEW_TRACE_TASKS": "a.*,b"}),
        ("capture_content", True, {"CELERY_OTEL_CAPTURE_CONTENT": "true"}),
        ("capture_message_size", True, {"CELERY_OTEL_CAPTURE_MESSAGE_SIZE": "true"}),
    ],
)
def test_a_variable_is_read(field: str, expected: object, environ: dict[str, str]) -> None:
    """Each variable lands in its field, with its type."""
    assert expected == getattr(Settings.read(environ), field)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_METRICS_EXPORTER", "jaeger"),
        ("OTEL_METRICS_EXPORTER", "otlp,none"),
        ("OTEL_METRICS_EXPORTER", ","),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15s"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "inf"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:port"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=prod"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "70000"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "local host"),
        ("CELERY_OTEL_STATE_DIRECTORY", "state"),
        ("CELERY_OTEL_STATE_DIRECTORY", "/dev/null"),
        ("CELERY_OTEL_DURATION_BUCKETS", "1,1"),
        ("CELERY_OTEL_DURATION_BUCKETS", "5,1"),
        ("CELERY_OTEL_MAX_TASKS", "many"),
        ("CELERY_OTEL_MAX_ERROR_TYPES", "0"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318/v1/traces"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zip"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "-1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
        ("CELERY_OTEL_CAPTURE_CONTENT", "1"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: str) -> None:
    """A value that cannot be used is one error that names the variable, the value and what is valid."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({key: value})
    assert (key, value) == (caught.value.key, caught.value.value)
    valid = next(option.valid for option in OPTIONS.values() if option.key == key)
    assert f"{key}={value!r} cannot be used: give it {valid}, or unset it." == str(caught.value)


@pytest.mark.parametrize(
    "key",
    ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"],
)
def test_a_secret_is_not_repeated(key: str) -> None:
    """A wrong value that may hold a secret is named without being shown."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({key: "token hunter2"})
    assert "hunter2" not in str(vars(caught.value))
    assert caught.value.__suppress_context__, "the error it came from repeats the value"
    assert f"{key}='***' cannot be used" in str(caught.value)


@pytest.mark.parametrize("signal", ["", "METRICS_", "TRACES_"])
def test_deflate_is_refused_with_grpc(signal: str) -> None:
    """Of two values that do not go together, the one that has to change is named before anything starts."""
    environ = {f"OTEL_EXPORTER_OTLP_{signal}PROTOCOL": "grpc", f"OTEL_EXPORTER_OTLP_{signal}COMPRESSION": "deflate"}
    with pytest.raises(ConfigurationError) as caught:
        Settings.read(environ)
    assert f"OTEL_EXPORTER_OTLP_{signal}COMPRESSION" == caught.value.key


def test_every_error_is_ours() -> None:
    """One base class catches every error of the package."""
    assert issubclass(ConfigurationError, CeleryOtelError)


def test_tasks_are_left_out_by_pattern() -> None:
    """A pattern leaves out what it matches, case and all."""
    settings = Settings.read({"CELERY_OTEL_EXCLUDED_TASKS": "celery.*,shop.?oise"})
    tasks = ("celery.backend_cleanup", "shop.noise", "shop.Order", "shop.noise.loud")
    assert [True, True, False, False] == [settings.excludes(task) for task in tasks]


def test_tasks_begin_new_traces_by_pattern() -> None:
    """A pattern chooses the tasks whose publishing begins a new trace; by default there is none."""
    settings = Settings.read({"CELERY_OTEL_NEW_TRACE_TASKS": "shop.poll.*"})
    assert [True, False] == [settings.starts_new_trace(task) for task in ("shop.poll.orders", "shop.order")]
    assert not Settings.read({}).starts_new_trace("shop.poll.orders")
