"""What a result backend has is read without trusting it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import NotRegistered

from celery_otel_api.results import StoredError, stored


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Celery]:
    """An application whose results are files."""
    app = Celery("unit", broker="memory://", backend=f"file://{tmp_path}", set_as_current=False)
    yield app
    app.close()


def test_a_result_is_read(app: Celery) -> None:
    """State, result and the time of the end."""
    app.backend.mark_as_done("t", {"model": 1})
    found = stored(app, "t")
    assert ("SUCCESS", {"model": 1}, True) == (found.state, found.result, found.answered)
    assert found.ended_at is not None


def test_a_failure_is_read(app: Celery) -> None:
    """Class, message and traceback of an exception."""
    app.backend.mark_as_failure("t", NotRegistered("shop.gone"), traceback="Traceback …")
    found = stored(app, "t")
    assert ("FAILURE", StoredError("NotRegistered", "shop.gone")) == (found.state, found.error)
    assert "Traceback …" == found.traceback


def test_an_exceptions_class_is_never_called(app: Celery) -> None:
    """What a result names as its exception's class is told, and nothing of that name is made."""
    result = {"exc_type": "SystemExit", "exc_message": ["7"], "exc_module": "builtins"}
    app.backend.set(
        app.backend.get_key_for_task("t"), json.dumps({"status": "FAILURE", "result": result, "traceback": None})
    )
    assert StoredError("SystemExit", "7") == stored(app, "t").error


def test_a_task_that_it_does_not_know_has_no_state(app: Celery) -> None:
    """Celery's PENDING is no state: the backend has nothing."""
    found = stored(app, "t")
    assert (None, True) == (found.state, found.answered)


def test_what_cannot_be_read_is_told(app: Celery) -> None:
    """Something that is no result is a reason, not an error."""
    app.backend.set(app.backend.get_key_for_task("t"), b"\x80no result")
    found = stored(app, "t")
    assert (None, False) == (found.state, found.answered)
    assert "could not be read" in found.reason


@pytest.mark.parametrize(("backend", "configured"), [(None, False), ("rpc://", True)])
def test_a_backend_that_has_nothing_for_us_says_so(backend: str | None, *, configured: bool) -> None:
    """Without a result backend, or with one that sends results to their caller, the reason is told."""
    app = Celery("unit", broker="memory://", backend=backend, set_as_current=False)
    found = stored(app, "t")
    assert (configured, False) == (found.configured, found.answered)
    assert found.reason
    app.close()
