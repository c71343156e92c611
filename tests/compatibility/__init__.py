"""Plays the ledger's plan on other versions of Celery and of what celery-otel depends on: see `make compatibility`."""
