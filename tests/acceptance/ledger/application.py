"""The ledger's application as a user would have it: their tasks, and the one call."""

import celery_otel
from tests.acceptance.ledger.bare import app

__all__ = ["app"]

celery_otel.instrument(app)
