"""Keeps the queue filled until it is told to stop (SIGTERM), then prints how many rounds it has sent.

`python -m tests.soak.publisher` sends from the application of the workers, instrumented as they are.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from redis import Redis

from tests.acceptance.ledger.driver import Stage
from tests.acceptance.ledger.journal import Journal
from tests.soak.mix import CONDITIONS, send_round

#: What waits in the queue at least, so that no worker ever waits.
WAITING = 400
_LOOK = 0.02


def publish(stage: Stage, waiting: Callable[[], int], stopped: threading.Event) -> int:
    """Send rounds until told to stop; return how many.

    Args:
        stage: Sends.
        waiting: How many messages wait.
        stopped: Set to end it.
    """
    rounds = 0
    while not stopped.is_set():
        if waiting() >= WAITING:
            time.sleep(_LOOK)
            continue
        send_round(stage)
        rounds += 1
    return rounds


def main() -> None:
    """Publish until SIGTERM."""
    from tests.soak.application import app  # noqa: PLC0415 - whoever imports this module shall not be instrumented

    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    sys.stdout.write(f"rounds: {_published(app, stopped)}\n")


def _published(app: Celery, stopped: threading.Event) -> int:
    url = os.environ["LEDGER_BROKER_URL"]
    with Redis.from_url(url) as redis:

        def waiting() -> int:
            return _number(redis.llen(CONDITIONS.queue))

        return publish(Stage(app, CONDITIONS, Journal(os.environ["LEDGER_JOURNAL"])), waiting, stopped)


def _number(found: Any) -> int:
    return int(found)


if __name__ == "__main__":
    main()
