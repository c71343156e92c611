"""What runs celery-otel elsewhere, started here: the commands of compose.yaml, and the distributions."""
