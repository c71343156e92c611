"""The soak's application without the product: to see what Celery itself does to memory."""

from tests.acceptance.ledger.bare import app

__all__ = ["app"]

# What nobody reads must not fill the result backend.
app.conf.result_expires = 60
