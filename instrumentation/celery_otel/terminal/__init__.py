"""What `celery otel status` shows."""
