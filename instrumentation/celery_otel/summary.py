"""The whole in a few numbers, for code that wants to know: how many workers, tasks and slots there are."""

from collections.abc import Collection, Iterable
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError

from celery_otel.inspection import STATES, Inspection, WorkerAnswer
from celery_otel.worker_answer import number_held, total

CONNECT_TIMEOUT = 5.0
"""Seconds until a broker that does not answer counts as away."""


def get_celery_metrics_summary(app: Celery, *, timeout: float = 1.0, expected: Collection[str] = ()) -> dict[str, Any]:
    """Asks all workers of an application once.

    It waits for answers, so it takes about `timeout` seconds longer than the slowest worker that answers.

    ```python
    summary = get_celery_metrics_summary(app)
    print(f"Total workers: {summary['workers']['total']}")
    print(f"Active tasks: {summary['tasks']['active']}")
    ```

    Args:
        app: The application.
        timeout: Seconds to wait for the next worker's answer.
        expected: Node names of workers that have to be there. With them it ends when all have answered.

    Returns:
        `broker_connected`, whether the broker could be asked; if not, `reason` says why, and nothing is known of any
        worker. `workers`: how many there are, `total`, with their `names`; `online`, those that have answered, and
        `silent`, the expected ones that have not: gone, or too busy to answer, as a solo worker is while it runs a
        task. `tasks`: how many are `active`, `reserved` and `scheduled` in those that have answered. `pool`: `size`,
        the tasks that they can run at once, and `busy`, those that they do. A number of `tasks` or `pool` is None if
        one of them did not tell its part, as a worker without celery-otel may not. `queues`: for each queue that one of
        them consumes, how many `workers` do.
    """
    connection = app.connection_for_write(connect_timeout=CONNECT_TIMEOUT, heartbeat=0)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT)
        answers = Inspection(app).ask(connection, timeout=timeout, expected=expected, since={})
    except _failures(connection) as error:
        reason = f"The broker at {connection.as_uri()} does not answer: {' '.join(str(error).split())}"
        return {"broker_connected": False, "reason": reason, **summarized((), expected)}
    finally:
        connection.release()
    return {"broker_connected": True, "reason": "", **summarized(answers, expected)}


def _failures(connection: Any) -> tuple[type[BaseException], ...]:
    errors = (OSError, KombuError, *connection.connection_errors, *connection.channel_errors)
    # Kombu counts it among those of Redis: one that is our own must not pass for the broker's.
    return tuple(error for error in errors if error is not KeyError)


def summarized(answers: Iterable[WorkerAnswer], expected: Collection[str] = ()) -> dict[str, Any]:
    """The numbers of some answers: `workers`, `tasks`, `pool` and `queues`, as above."""
    told = tuple(answers)
    online = {answer.name for answer in told}
    names = sorted(online | set(expected))
    consumed = [queue for answer in told for queue in answer.queues]
    return {
        "workers": {"total": len(names), "names": names, "online": len(online), "silent": len(names) - len(online)},
        "tasks": {state: number_held(told, [state]) for state in STATES},
        "pool": {
            "size": total(answer.max_concurrency for answer in told),
            "busy": total(answer.busy for answer in told),
        },
        "queues": {queue: {"workers": consumed.count(queue)} for queue in sorted(set(consumed))},
    }
