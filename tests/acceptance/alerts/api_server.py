"""The API as users start it, with its series going to the collector."""

import sys
from collections.abc import Mapping
from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server


class ApiServer(Server):
    """`python -m celery_otel_api` on one port for all its lives.

    Args:
        app: What `-A` takes.
        directory: Where the log goes.
        env: Variables on top of the inherited ones.
        cwd: Working directory, which is on its import path.
    """

    def __init__(self, *, app: str, directory: Path, env: Mapping[str, str], cwd: Path) -> None:
        self._port = free_port()
        argv = [sys.executable, "-m", "celery_otel_api", "-A", app, "--port", str(self._port)]
        super().__init__(Process("api", argv, directory=directory, env={"PYTHONUNBUFFERED": "1", **env}, cwd=cwd))

    def answers(self) -> bool:
        """Whether it serves."""
        return is_reachable(f"http://{LOOPBACK}:{self._port}/readyz")
