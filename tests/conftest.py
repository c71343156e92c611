"""What every test starts from: an environment without our variables."""

import os

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every OTEL_* and CELERY_OTEL_* variable away, except those that say where tools are."""
    for key in list(os.environ):
        if key.startswith(("OTEL_", "CELERY_OTEL_")) and not key.startswith(("CELERY_OTEL_TOOL", "CELERY_OTEL_PYTHON")):
            monkeypatch.delenv(key)
