"""Measures how what celery-otel costs grows: with task names, labels, workers, children and what waits in a queue."""
