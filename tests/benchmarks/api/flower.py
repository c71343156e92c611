"""Flower, in an environment of its own that the first run makes: it is no dependency of ours."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.process import Process

HOME = Path.home() / ".cache" / "celery-otel" / "flower"


def installed() -> Path:
    """The environment's `celery`, with Flower in it and our own version of Celery.

    Raises:
        CalledProcessError: It could not be made; its output says why.
    """
    if not (HOME / "bin" / "celery").exists():
        # kombu needs packaging for Redis, and does not ask for it.
        _run(sys.executable, "-m", "venv", str(HOME))
        _run(
            _python(), "-m", "pip", "install", "--quiet", "flower", "redis", "packaging", f"celery=={version('celery')}"
        )
    return HOME / "bin" / "celery"


def flower_version() -> str:
    """The version of the environment's Flower."""
    code = "from importlib.metadata import version; print(version('flower'))"
    return _run(_python(), "-c", code)


def _python() -> str:
    return str(HOME / "bin" / "python")


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Flower:
    """Flower at a broker.

    Args:
        broker_url: The broker.
        directory: For its log.
    """

    def __init__(self, broker_url: str, directory: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        argv = [str(installed()), "-b", broker_url, "flower", "--address=127.0.0.1", f"--port={port}"]
        # It runs without ours: what this environment's path leads to would be another Celery.
        env = {"FLOWER_UNAUTHENTICATED_API": "true", "PYTHONPATH": ""}
        self.process = Process("flower", argv, directory=directory, env=env, cwd=directory)
