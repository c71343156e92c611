"""The REST API of celery-otel."""
