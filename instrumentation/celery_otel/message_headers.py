"""Which headers of a message an attempt keeps: their values, not the headers, which hold the task's arguments too."""

from celery_otel.stamps import CHORD, PUBLISHED_AT

COUNTED = ("delivery_info", "retries", "replaced_task_nesting", PUBLISHED_AT)
"""What its numbers need: where it came from, who it is, and since when it waits."""
SHOWN = ("correlation_id", "root_id", "parent_id", "group", "eta", CHORD)
"""What its span shows."""
CONTENT = ("argsrepr", "kwargsrepr")
"""What its span shows only if it may show content."""
