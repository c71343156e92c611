"""What can be broken in a worker, by the name of the hook that then fails.

Apart from the application: to import that one is to instrument the process.
"""

from celery_otel.core.ledger import Ledger
from celery_otel.hooks.queues import Queues
from celery_otel.hooks.tracing import AttemptTracing

BREAKABLE: dict[str, tuple[type, str]] = {
    "received": (Ledger, "receive"),
    "ledger": (Queues, "of_delivery"),
    "started": (Ledger, "start"),
    "reported": (Ledger, "end"),
}
BREAKABLE_SPANS: dict[str, tuple[type, str]] = {
    "receipt": (AttemptTracing, "received"),
    "report": (AttemptTracing, "reported"),
    "collection": (AttemptTracing, "collect"),
    "completion": (AttemptTracing, "complete_many"),
}
"""The same for spans, whose hook is always called span."""
