"""What all unit tests of the API need."""

import pytest


@pytest.fixture(autouse=True)
def quiet_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs in this process exports nothing: there is no collector to wait for."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
