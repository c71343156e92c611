"""The options of what one worker is: its name, and where it keeps its counts."""

from celery_otel import parsing
from celery_otel.option import Option

WORKER_OPTIONS: dict[str, Option] = {
    "worker_name": Option(
        "CELERY_OTEL_WORKER_NAME",
        "",
        "a name that stays the same when the worker is replaced, such as that of a stateful pod",
        str,
        "labels worker_name and instance (default: Celery's node name)",
    ),
    "state_directory": Option(
        "CELERY_OTEL_STATE_DIRECTORY",
        "",
        "an absolute path, such as /var/lib/celery-otel, of a directory or of nothing yet",
        parsing.optional(parsing.directory),
        "where a worker keeps its counts, so that they survive a SIGKILL of its main process (default: nowhere)",
    ),
}
