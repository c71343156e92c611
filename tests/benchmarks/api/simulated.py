"""Simulated workers: one process that answers remote control in the name of many, and writes down when it was asked.

They answer a ping with a report as `celery_otel.hooks.worker_report` makes it, and Celery's own commands, which Flower
asks, with the same tasks.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.pidbox import Node

Json = dict[str, Any]
NAME = "shop.simulated"
KEY = "celery_otel"


class SimulatedWorkers:
    """Many workers at one connection.

    Args:
        broker_url: Their broker.
        workers: How many there are.
        tasks: How many each of them runs.
        tally: The file that gets a line of JSON for each command: `method`, `report` (whether a report was asked for),
            and `answered`, the Unix time when the last of them had answered.
    """

    def __init__(self, broker_url: str, workers: int, tasks: int, tally: Path) -> None:
        self._app = Celery("simulated", broker=broker_url, set_as_current=False)
        self._connection = self._app.connection_for_read()
        mailbox = self._app.control.mailbox(self._connection)
        channel = self._connection.default_channel
        self._nodes = [_node(mailbox, channel, f"simulated{number:03}@bench", tasks) for number in range(workers)]
        # One queue for all: kombu delivers a broadcast to one queue of a connection on Redis.
        self._ear: Node = mailbox.Node("simulated@bench", channel=channel)
        self._tally = tally

    def run(self) -> None:
        """Answers until the process is ended."""
        consumer = self._ear.listen(callback=self._answer)
        self._tally.touch()
        while consumer is not None:
            self._connection.drain_events()

    def _answer(self, body: Json, message: Any) -> None:
        for node in self._nodes:
            node.handle_message(body, message)
        arguments = body.get("arguments") or {}
        line = {"method": body["method"], "report": KEY in arguments, "answered": time.time()}
        with self._tally.open("a", encoding="utf-8") as tally:
            tally.write(f"{json.dumps(line)}\n")


def _node(mailbox: Any, channel: Any, name: str, tasks: int) -> Node:
    held = [_task(name, number) for number in range(tasks)]
    node: Node = mailbox.Node(name, channel=channel, handlers=_handlers(held))
    return node


def _task(worker: str, number: int) -> Json:
    return {
        "id": f"{worker.partition('@')[0]}-0000-0000-0000-{number:012}",
        "name": NAME,
        "args": "('order-4711', {'amount': 12.5, 'currency': 'EUR'})",
        "kwargs": "{'notify': True}",
        "retries": 0,
        "queue": "celery",
        "time_start": time.time(),
        "eta": None,
        "pid": os.getpid(),
    }


def _handlers(held: list[Json]) -> dict[str, Callable[..., Any]]:
    def ping(_state: Any, **arguments: Any) -> Json:
        answer = {"ok": "pong"}
        return {**answer, KEY: _report(held)} if KEY in arguments else answer

    plain: dict[str, Any] = {
        "active": [_celerys(task) for task in held],
        "stats": {"pool": {"max-concurrency": len(held)}, "pid": os.getpid(), "total": {}},
        "active_queues": [{"name": "celery"}],
        **dict.fromkeys(("reserved", "scheduled", "revoked", "registered"), ()),
        "conf": {},
    }
    return {"ping": ping, **{command: _always(answer) for command, answer in plain.items()}}


def _always(answer: Any) -> Callable[..., Any]:
    return lambda _state, **_arguments: answer


def _celerys(task: Json) -> Json:
    """A running task as Celery's own `active` tells it."""
    place = {"exchange": "", "routing_key": task["queue"], "priority": 0, "redelivered": False}
    return {
        **{key: task[key] for key in ("id", "name", "args", "kwargs", "time_start")},
        "type": task["name"],
        "acknowledged": True,
        "delivery_info": place,
        "worker_pid": task["pid"],
    }


def _report(held: list[Json]) -> Json:
    return {
        "version": "0",
        "celery": "0",
        "python": "0",
        "worker_name": "simulated",
        "now": time.time(),
        "pid": os.getpid(),
        "uptime": 1.0,
        "remembers_revokes": True,
        "settings": {"task_acks_late": False, "task_track_started": False, "worker_prefetch_multiplier": 4},
        "pool": {"kind": "prefork", "max_concurrency": len(held)},
        "queues": ["celery"],
        "busy": len(held),
        "prefetch_count": 0,
        "prefetch_limit": 4 * len(held),
        "active": held,
        "reserved": [],
        "scheduled": [],
        "counts": {"active": len(held), "reserved": 0, "scheduled": 0},
        "ended": [],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Answers for as many workers as the command line says."""
    parser = argparse.ArgumentParser(description="Simulated workers.")
    parser.add_argument("--broker", required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--tally", type=Path, required=True)
    options = parser.parse_args(arguments)
    SimulatedWorkers(options.broker, options.workers, options.tasks, options.tally).run()


if __name__ == "__main__":
    main()
