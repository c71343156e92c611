"""Tasks whose end Celery reports by itself: results, exceptions, retries, refusals, canvas."""

import time
from typing import Any, Never

from celery.app.task import Task
from celery.exceptions import Ignore, Reject
from celery.worker.request import Request

from tests.acceptance.ledger.celery_app import app, journal


class ExpectedError(Exception):
    """An exception that its task lists in `throws`."""


class StubbornError(Exception):
    """An exception that cannot be pickled: it holds a function without a name."""

    def __init__(self) -> None:
        super().__init__("cannot be pickled")
        self.culprit = lambda: None


class DemandingError(Exception):
    """An exception that can be pickled and never unpickled: its arguments do not fit its constructor."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class CustomRequest(Request):
    """A request class of the user's own, with a method of its own."""

    def on_success(self, failed__retval__runtime: Any, **kwargs: Any) -> Any:
        """Celery replaces this method in the class it generates; see celery#4526."""
        return super().on_success(failed__retval__runtime, **kwargs)


class CustomRequestTask(Task):
    """The base class that makes Celery use the request class above."""

    Request = f"{CustomRequest.__module__}:{CustomRequest.__qualname__}"


@app.task(name="ledger.success")
def success(number: int) -> int:
    """Return a value."""
    return number + 1


@app.task(name="ledger.nothing")
def nothing() -> None:
    """Return None, doing nothing: the attempt of 0 s."""


@app.task(name="ledger.two_seconds")
def two_seconds() -> float:
    """Take 2 s."""
    time.sleep(2.0)
    return 2.0


@app.task(name="ledger.failure")
def failure() -> Never:
    """Raise."""
    raise ValueError("as planned")


@app.task(name="ledger.throws", throws=(ExpectedError,))
def throws() -> Never:
    """Raise what the task says it throws: Celery logs it quietly, and it is a failure all the same."""
    raise ExpectedError("as announced")


@app.task(name="ledger.unpicklable")
def unpicklable() -> Never:
    """Raise what cannot travel to MAIN."""
    raise StubbornError


@app.task(name="ledger.unpicklable_back")
def unpicklable_back() -> Never:
    """Raise what can travel to MAIN and cannot be rebuilt there."""
    raise DemandingError("two", "arguments")


@app.task(name="ledger.unserialisable")
def unserialisable() -> object:
    """Return what the result backend cannot encode."""
    return object()


@app.task(name="ledger.retry", bind=True, max_retries=3)
def retry(self: Task) -> str:
    """Ask for one retry with a cause, then succeed."""
    if self.request.retries:
        return "second time"
    raise self.retry(exc=ConnectionError("first time"), countdown=0)


@app.task(name="ledger.retry_bare", bind=True, max_retries=3)
def retry_bare(self: Task) -> str:
    """Ask for one retry without naming a cause, a moment later, then succeed."""
    if self.request.retries:
        return "second time"
    raise self.retry(countdown=0.2)


@app.task(
    name="ledger.autoretry", bind=True, autoretry_for=(KeyError,), retry_kwargs={"countdown": 0, "max_retries": 2}
)
def autoretry(self: Task) -> str:
    """Let Celery retry by itself, once, then succeed."""
    if self.request.retries:
        return "second time"
    raise KeyError("first time")


@app.task(name="ledger.retries_exhausted", autoretry_for=(KeyError,), retry_kwargs={"countdown": 0, "max_retries": 2})
def retries_exhausted() -> Never:
    """Fail until Celery gives up: two retries, then the failure."""
    raise KeyError("every time")


@app.task(name="ledger.ignore")
def ignore() -> Never:
    """Ask Celery to forget the outcome."""
    raise Ignore


@app.task(name="ledger.reject")
def reject() -> Never:
    """Refuse the message for good."""
    raise Reject("not this one", requeue=False)


@app.task(name="ledger.reject_requeue", bind=True)
def reject_requeue(self: Task) -> str:
    """Put the message back once, then succeed."""
    if journal().start(self.request.id) > 1:
        return "second time"
    raise Reject("later", requeue=True)


@app.task(name="ledger.custom_request", base=CustomRequestTask)
def custom_request(number: int) -> int:
    """Succeed, or fail for odd numbers, with the user's own request class."""
    if number % 2:
        raise ValueError("odd")
    return number


@app.task(name="ledger.step")
def step(number: int) -> int:
    """One link of a chain."""
    return number + 1


@app.task(name="ledger.member")
def member(number: int) -> int:
    """One member of a group."""
    return number


@app.task(name="ledger.header")
def header(number: int) -> int:
    """One header task of a chord."""
    return number


@app.task(name="ledger.body")
def body(numbers: list[int]) -> int:
    """The body of a chord."""
    return sum(numbers)


@app.task(name="ledger.replaced", bind=True)
def replaced(self: Task) -> Never:
    """Hand over to another task, which takes this one's id."""
    raise self.replace(replacement.s())


@app.task(name="ledger.replacement")
def replacement() -> str:
    """What `replaced` became."""
    return "instead"


@app.task(name="ledger.delayed")
def delayed() -> str:
    """Run at an ETA or after a countdown."""
    return "in time"


@app.task(name="ledger.inner")
def inner() -> str:
    """Only ever called in place, never through a worker: it must be counted nowhere."""
    return "in place"


@app.task(name="ledger.eager")
def eager() -> str:
    """Call another task in place."""
    return str(inner.apply().get(disable_sync_subtasks=False))


@app.task(name="ledger.repeated", bind=True)
def repeated(self: Task) -> int:
    """Delivered twice under one id, to the same worker."""
    return journal().start(self.request.id)


@app.task(name="ledger.gated", bind=True)
def gated(self: Task) -> str:
    """Run until the driver opens the gate."""
    journal().start(self.request.id)
    journal().wait_gate(self.request.id)
    return "let go"


@app.task(name="ledger.rate_limited")
def rate_limited() -> str:
    """The driver limits its rate when it is time: then the first runs at once and the others wait."""
    return "allowed"


@app.task(name="ledger.held")
def held() -> str:
    """Waits in a worker: prefetched or for its ETA."""
    return "at last"


@app.task(name="ledger.expired")
def expired() -> str:
    """Sent too late: never runs."""
    return "too late"


@app.task(name="ledger.expired_waiting")
def expired_waiting() -> str:
    """Expires while its ETA waits: never runs."""
    return "too late"


@app.task(name="ledger.revoked")
def revoked() -> str:
    """Revoked before it arrives: never runs."""
    return "too late"


@app.task(name="ledger.revoked_eta")
def revoked_eta() -> str:
    """Revoked while its ETA waits: never runs."""
    return "too late"


@app.task(name="ledger.bad_eta")
def bad_eta() -> str:
    """Sent with an ETA that no clock can show."""
    return "never, or at once"


@app.task(name="ledger.invalid")
def invalid() -> str:
    """Only ever sent in a message that Celery refuses: it must be counted nowhere."""
    return "never"
