"""What `celery otel doctor` does: `gather` asks everybody once, the `checks_*` judge what was found, `report` shows it."""
