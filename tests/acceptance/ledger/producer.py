"""The producer of a run: an instrumented Celery application that only sends, as a web application would."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from celery.backends.redis import RedisBackend

from tests.acceptance.ledger import tasks_plain, tasks_runs, tasks_violent
from tests.without_spans import instrumented

#: Shared tasks: every application of this process has them, the producers too.
TASKS = (tasks_plain, tasks_runs, tasks_violent)


class AskedBackend(RedisBackend):
    """A result backend that is asked for states and never waits for results.

    Celery's own subscribes to every task it sends, and unsubscribes when the garbage collector takes the result:
    perhaps in a later test, when this run's Redis is gone.
    """

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Do not subscribe."""

    def remove_pending_result(self, result: Any) -> Any:
        """There is no subscription to end."""
        return result


@contextmanager
def producer(broker_url: str, backend_url: str) -> Iterator[Celery]:
    """An application that sends to this broker, instrumented for as long as the context lasts."""
    backend = f"{AskedBackend.__module__}.{AskedBackend.__qualname__}+{backend_url}"
    app = Celery("ledger-producer", broker=broker_url, backend=backend, set_as_current=False)
    # Its own spans would go to the collector of a user of this machine: here only the workers are looked at.
    with app, instrumented(app):
        yield app
