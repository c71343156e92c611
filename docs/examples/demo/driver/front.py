"""The playground's web front, run as a process of its own, and the client that orders there."""

import json
import socket
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server

from .plan import Unit

ORDERS = "/orders"
SERVICE = "front"
TIMEOUT = 30.0


class FrontError(Exception):
    """The web front did not accept an order."""


class Front(Server):
    """The web front.

    Args:
        directory: Where the log goes.
        cwd: Where the package `playground` is.
        env: Variables on top of the inherited ones.
    """

    def __init__(self, directory: Path, *, cwd: Path, env: Mapping[str, str]) -> None:
        self._port = free_port()
        argv = [sys.executable, "-m", "playground.front", str(self._port)]
        super().__init__(
            Process("front", argv, directory=directory, env={**env, "OTEL_SERVICE_NAME": SERVICE}, cwd=cwd)
        )

    def answers(self) -> bool:
        """Whether it takes connections; a request would be a trace already."""
        try:
            socket.create_connection((LOOPBACK, self._port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def order(self, unit: Unit) -> str:
        """Order the jobs of a unit, and return the id of the trace that begins with it.

        Raises:
            FrontError: It was not accepted.
            OSError: Nobody answered.
        """
        wanted = {job.task.rpartition(".")[2]: {"task_id": job.id, **job.kwargs} for job in unit.jobs}
        trace_id: str = self._post(wanted)["trace_id"]
        return trace_id

    def _post(self, content: Mapping[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection(LOOPBACK, self._port, timeout=TIMEOUT)
        try:
            connection.request("POST", ORDERS, json.dumps(content), {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        if response.status != HTTPStatus.ACCEPTED:
            raise FrontError(f"The web front answered {response.status} to an order.\n{self.process.log_tail}")
        answer: dict[str, Any] = json.loads(body)
        return answer
