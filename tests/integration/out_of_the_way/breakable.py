"""What can be broken in a worker, by the name of the hook that then fails.

Apart from the application: to import that one is to instrument the process.
"""

from celery_otel.core.ledger import Ledger
from celery_otel.hooks.queues import Queues

BREAKABLE: dict[str, tuple[type, str]] = {
    "received": (Queues, "of_message"),
    "started": (Ledger, "start"),
    "reported": (Ledger, "end"),
}
