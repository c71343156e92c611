"""A program that a task starts: it trains a model, and that is a run of the task."""

import celery_otel

if __name__ == "__main__":
    with celery_otel.training("program", samples=3) as run:
        run.score(0.7)
