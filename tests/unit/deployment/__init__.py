"""Unit tests of what runs celery-otel elsewhere: compose.yaml, the images, Kubernetes, and the hosted workflows."""
