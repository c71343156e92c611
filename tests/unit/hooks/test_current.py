"""Making a context the current one: by OpenTelemetry's own variable where it has one, else by its functions."""

import contextvars
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import context as otel
from opentelemetry.context import Context

from celery_otel.hooks.current import steps


def test_a_context_is_current_until_it_is_detached() -> None:
    """OpenTelemetry finds what was attached, and afterwards what was there before."""
    attach, detach = steps()
    before = otel.get_current()
    token = attach(Context({"key": "mine"}))
    assert "mine" == otel.get_value("key")
    detach(token)
    assert otel.get_current() is before


def test_another_runtime_is_asked_as_usual() -> None:
    """Where the current context is kept elsewhere, OpenTelemetry's own functions are used."""
    other = SimpleNamespace(_RUNTIME_CONTEXT=object(), attach=object(), detach=object())
    assert (other.attach, other.detach) == steps(other)


@pytest.mark.parametrize(
    "renamed", [SimpleNamespace(attach=1, detach=2), SimpleNamespace(_RUNTIME_CONTEXT=None, attach=1, detach=2)]
)
def test_a_renamed_variable_is_no_error(renamed: Any) -> None:
    """A later OpenTelemetry that keeps it under another name costs two calls, and nothing else."""
    found: Any = steps(renamed)
    assert (1, 2) == found


def test_a_token_from_elsewhere_is_opentelemetrys_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    """What was attached in another context cannot be detached here: it is logged as OpenTelemetry does, not raised."""
    attach, detach = steps()
    token = contextvars.copy_context().run(attach, Context())
    detach(token)
    assert "Failed to detach context" in caplog.text
