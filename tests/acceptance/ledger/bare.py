"""The ledger's application without the product: to see what Celery itself does with the plan."""

from tests.acceptance.ledger import tasks_plain, tasks_runs, tasks_violent
from tests.acceptance.ledger.celery_app import app

__all__ = ["app", "tasks_plain", "tasks_runs", "tasks_violent"]
