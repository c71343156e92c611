"""The REST API and its page, started as a user starts them, on the application of the playground."""

import sys
from collections.abc import Mapping
from pathlib import Path

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server


class Service(Server):
    """The API of the demo's workers.

    Args:
        directory: Where the log goes.
        cwd: Where the package `playground` is.
        env: Variables on top of the inherited ones.
    """

    def __init__(self, directory: Path, *, cwd: Path, env: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        argv = [sys.executable, "-m", "celery_otel_api", "-A", "playground.app", "--port", str(port)]
        super().__init__(Process("api", argv, directory=directory, env=env, cwd=cwd))

    def answers(self) -> bool:
        """Whether it is ready."""
        return is_reachable(f"{self.url}/readyz")
