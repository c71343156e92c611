"""What `celery otel doctor` does: `gather` asks everybody once, the `checks_*` judge, `report` shows it."""
