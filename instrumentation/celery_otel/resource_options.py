"""The options of the resource monitor."""

from celery_otel import parsing
from celery_otel.option import Option

RESOURCE_OPTIONS: dict[str, Option] = {
    "resources": Option(
        "CELERY_OTEL_RESOURCES",
        "true",
        "true or false",
        parsing.boolean,
        "whether memory, CPU, disk, files and threads of workers and beat are read; false also silences "
        "start_global_monitor",
    ),
    "resources_interval": Option(
        "CELERY_OTEL_RESOURCES_INTERVAL",
        "30",
        "a number of seconds above 0",
        parsing.positive,
        "how often, in seconds",
    ),
}
