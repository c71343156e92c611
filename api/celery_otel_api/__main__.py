"""`python -m celery_otel_api` is `celery-otel-api`."""

from celery_otel_api.command import main

if __name__ == "__main__":
    main(prog_name="celery-otel-api")
