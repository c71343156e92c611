"""Answers a ping that asks for more with all that this worker knows: one command instead of five.

`ping` and no command of our own: every worker answers it, one that is not instrumented like always, and a command that
it did not know would be an error in its log.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery.worker.control import Panel

ARGUMENT = "celery_otel"
"""The argument of a ping that asks for a report, and the key of the report in the answer."""
PING = "ping"

Report = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the report of a worker from what was asked for."""


@contextmanager
def answered(worker: Any, report: Report, failed: Callable[[Exception], None]) -> Iterator[None]:
    """Answers for one worker, while it is entered.

    Args:
        worker: Celery's worker.
        report: Makes its report, of plain JSON.
        failed: Takes what goes wrong there; the ping is answered all the same.
    """
    original = Panel.data[PING]

    def ping(state: Any, **arguments: Any) -> Any:
        # Celery's own takes any argument, and so does that of another worker of this process.
        answer = original(state, **arguments)
        if ARGUMENT not in arguments or state.app is not worker.app or state.hostname != worker.hostname:
            return answer
        try:
            return {**answer, ARGUMENT: report(arguments[ARGUMENT] or {})}
        except Exception as error:  # noqa: BLE001  # whatever it is, the worker answers that it is there
            failed(error)
            return answer

    Panel.data[PING] = ping
    try:
        yield
    finally:
        # Somebody who has patched on top of ours keeps what they have.
        if Panel.data.get(PING) is ping:
            Panel.data[PING] = original
