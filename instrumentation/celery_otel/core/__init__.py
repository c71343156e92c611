"""What an attempt is and how attempts are counted: pure Python that knows neither Celery nor OpenTelemetry."""
