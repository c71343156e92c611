"""A Celery that is not supported is said in one line, and costs the application nothing but its numbers."""

import celery
import pytest

import celery_otel
from celery_otel.instrumentation import is_instrumented
from celery_otel.unsupported import is_supported


@pytest.mark.parametrize("version", ["4.4.7", "5.3.6", "6.0.0", "6.0.0rc1", "10.0"])
def test_a_version_that_is_not_supported_is_said(
    version: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both names of the call log one line, which says what to install, and instrument nothing."""
    monkeypatch.setattr(celery, "__version__", version)
    app = celery.Celery("old", broker="memory://", set_as_current=False)
    celery_otel.instrument(app)
    celery_otel.uninstrument(app)
    assert not is_instrumented(app)
    (line,) = caplog.messages
    assert f"Celery {version} is not supported" in line
    assert "celery>=5.4,<6" in line
    celery_otel.setup_celery_metrics(app)
    assert not is_instrumented(app)


@pytest.mark.parametrize("version", ["5.4.0", "5.7.0", "5.10.1", "5.8.0b2", "unknown"])
def test_others_are_supported(version: str) -> None:
    """Every version from 5.4 on and below 6, and one that says nothing of itself."""
    assert is_supported(version)
