"""What the result backend says of a task, read without making objects of the classes that it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from celery.backends.base import BaseKeyValueStoreBackend, DisabledBackend
from celery.backends.rpc import RPCBackend
from celery.states import EXCEPTION_STATES, PENDING, STARTED


@dataclass(frozen=True, slots=True)
class StoredError:
    """An exception of a result backend: its class by name, and what it says."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a result backend has for a task, or why it has nothing.

    Attributes:
        configured: Whether there is a result backend.
        state: Celery's state of the task; None if the backend has nothing for it.
        reason: Why it has nothing to say, if that is not because it has nothing.
        result: What the task returned, or what it says of its progress.
        error: The exception, in states that have one.
        traceback: Its traceback, if it is stored.
        ended_at: When it ended, a Unix time in seconds, by the worker's clock.
        details: Name, worker, queue and retries, where Celery's `result_extended` is set.
    """

    configured: bool
    state: str | None = None
    reason: str = ""
    result: Any = None
    error: StoredError | None = None
    traceback: str | None = None
    ended_at: float | None = None
    details: Mapping[str, Any] | None = None

    @property
    def answered(self) -> bool:
        """Whether it could be read."""
        return self.configured and not self.reason


def stored(app: Celery, task_id: str) -> Stored:
    """Reads the result backend of an application. It blocks, for as long as the backend's own timeouts let it.

    Whatever fails there is told, not raised: the state of a task has other sources.
    """
    try:
        backend = app.backend
        if isinstance(backend, DisabledBackend):
            return Stored(configured=False, reason="The application has no result backend.")
        if isinstance(backend, RPCBackend):
            return Stored(configured=True, reason="With the backend rpc:// a result goes to its caller alone.")
        return _of_meta(_meta(backend, task_id))
    except Exception as error:  # noqa: BLE001  # any client library of any backend, or a result that it cannot decode
        # The text of a client's error may hold its URL, with the password.
        return Stored(configured=True, reason=f"The result backend could not be read: {type(error).__name__}.")


def _meta(backend: Any, task_id: str) -> Mapping[str, Any]:
    if not isinstance(backend, BaseKeyValueStoreBackend):
        meta: Mapping[str, Any] = backend.get_task_meta(task_id, cache=False)
        return meta
    payload = backend.get(backend.get_key_for_task(task_id))
    # `decode` and not `decode_result`: that would look up the exception's class, and call it.
    return backend.decode(payload) if payload else {"status": PENDING}


def _of_meta(meta: Mapping[str, Any]) -> Stored:
    state = str(meta["status"])
    if state == PENDING:
        return Stored(configured=True)
    failed = state in EXCEPTION_STATES
    return Stored(
        configured=True,
        state=state,
        # Of a task that has just begun Celery keeps process and host there.
        result=None if failed or state == STARTED else meta.get("result"),
        error=_error(meta.get("result")) if failed else None,
        traceback=str(meta["traceback"]) if meta.get("traceback") else None,
        ended_at=_unix(meta.get("date_done")),
        details={name: meta.get(name) for name in ("name", "worker", "queue", "retries")},
    )


def _error(result: Any) -> StoredError:
    if isinstance(result, Mapping) and "exc_type" in result:
        return StoredError(str(result["exc_type"]), _message(result.get("exc_message")))
    if isinstance(result, BaseException):
        return StoredError(type(result).__qualname__, str(result))
    return StoredError("unknown", str(result))


def _message(told: Any) -> str:
    """What an exception says, from its arguments as Celery stores them."""
    if not isinstance(told, list | tuple):
        return str(told)
    return str(told[0]) if len(told) == 1 else str(tuple(told))


def _unix(done: Any) -> float | None:
    try:
        at = done if isinstance(done, datetime) else datetime.fromisoformat(str(done))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
