"""`python -m driver.load`: the demo's plan over and over, on workers that run already, as in compose.yaml.

Nobody compares numbers here. What the plan revokes, terminates or kills is revoked with `terminate` a moment after it
was sent, since the workers' processes are out of reach.
"""

import os
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from celery import Celery, chain

import celery_otel

from .plan import Intervention, Unit
from .scenario import Scenario
from .sender import Sender
from .unreliable_server import UnreliableServer

PAUSE = 2.0
SEARCH_SECONDS = 2


class Load:
    """Sends plans.

    Args:
        client: What to send with.
        server: Serves the pages that tasks fetch.
        pause: Waits a little: for the next unit, or before what was sent is revoked.
    """

    def __init__(self, client: Celery, server: UnreliableServer, pause: Callable[[], None]) -> None:
        self._client = client
        self._server = server
        self._pause = pause
        self._sender = Sender(client, self._order)

    def perform(self, seed: int) -> None:
        """Send all units of the plan that a seed makes."""
        # Thumbnails go to the directory for temporary files of whichever worker makes them.
        scenario = Scenario(seed, self._server.url, Path(tempfile.gettempdir()))
        plan = scenario.plan()
        self._server.requests.clear()
        self._server.follow(scenario.script)
        for unit in plan.units:
            self._sender.send(unit)
            self._pause()
            self._end(unit)

    def _order(self, unit: Unit) -> None:
        """Send what the web front makes of an order."""
        page, words, search = (self._sender.signature(job) for job in unit.jobs)
        chain(page, words, app=self._client).apply_async()
        search.apply_async(time_limit=SEARCH_SECONDS)

    def _end(self, unit: Unit) -> None:
        ids = [job.id for job in unit.jobs if job.intervention is not Intervention.NONE]
        if ids:
            self._client.control.revoke(ids, terminate=True)


def main() -> None:
    """Send plan after plan, until the process is ended."""
    client = Celery("load", broker=os.environ["PLAYGROUND_BROKER_URL"], backend=os.environ["PLAYGROUND_RESULT_BACKEND"])
    celery_otel.instrument(client)
    with UnreliableServer(listen=("", 0), host=os.environ["HOSTNAME"]) as server:
        load = Load(client, server, lambda: time.sleep(PAUSE))
        for seed in count(1):
            load.perform(seed)


if __name__ == "__main__":
    main()
