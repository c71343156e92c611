"""The soak's application: the ledger's tasks, and the one call."""

import celery_otel
from tests.soak.bare import app

__all__ = ["app"]

celery_otel.instrument(app)
