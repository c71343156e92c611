"""What else one might run beside a worker: Flower and celery-exporter, each in an environment that the first run makes.

They are not imported from ours: celery-exporter needs other versions than we have, and neither shall share our path.
"""

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.process import Process, ProcessDiedError

CACHE = Path.home() / ".cache" / "celery-otel"
SECONDS_TO_START = 60.0


class Environment:
    """A virtual environment with one program, and our own version of Celery.

    Args:
        name: The directory's name in the cache.
        package: The program's distribution.
        needs: What else it needs and does not ask for, or asks for in a version that does not go with ours.
    """

    def __init__(self, name: str, package: str, *needs: str) -> None:
        self._home = CACHE / name
        self._package = package
        self._needs = needs

    def python(self) -> str:
        """Its interpreter; the first time, the environment is made.

        Raises:
            CalledProcessError: It could not be made; its output says why.
        """
        python = self._home / "bin" / "python"
        if not (self._home / "made").exists():
            _run(sys.executable, "-m", "venv", "--clear", str(self._home))
            _run(str(python), "-m", "pip", "install", "--quiet", self._package)
            # On top, whatever it asks for: else it could not read what our workers write.
            celery = f"celery=={version('celery')}"
            _run(str(python), "-m", "pip", "install", "--quiet", *self._needs, celery)
            (self._home / "made").touch()
        return str(python)

    def version(self) -> str:
        """The version of the program in it."""
        return _run(
            self.python(), "-c", f"from importlib.metadata import version; print(version({self._package!r}))"
        ).strip()


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


# kombu needs packaging for Redis, and does not ask for it.
FLOWER = Environment("flower", "flower", "redis", "packaging")
CELERY_EXPORTER = Environment("celery-exporter", "prometheus-exporter-celery", "packaging", "setuptools", "redis>=6.1")


class Monitor:
    """A program that watches a broker and shows what it saw at `/metrics`.

    Args:
        name: Names its log.
        command: Starts it; its port is put behind that.
        directory: For its log.
        env: More of its environment.

    Attributes:
        address: Where it answers.
        process: It.
    """

    def __init__(self, name: str, command: Sequence[str], directory: Path, **env: str) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        # It runs without ours: what this environment's path leads to would be another Celery.
        self.process = Process(
            name, [*command, f"--port={port}"], directory=directory, env={**env, "PYTHONPATH": ""}, cwd=directory
        )

    @property
    def page(self) -> str:
        """Its metrics, as Prometheus reads them.

        Raises:
            ProcessDiedError: It has ended.
        """
        if not self.process.alive:
            raise ProcessDiedError(f"{self.process.name} has ended\n{self.process.log_tail}")
        return fetch(f"{self.address}/metrics")

    def __enter__(self) -> Self:
        self.process.start()
        try:
            wait_until(self._answers, deadline=SECONDS_TO_START, message=lambda: f"no answer\n{self.process.log_tail}")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()

    def _answers(self) -> bool:
        # celery-exporter asks all workers at each scrape, and waits two seconds for them.
        try:
            return bool(self.page)
        except OSError:
            return False


class Flower(Monitor):
    """Flower at a broker.

    Args:
        broker_url: The broker.
        directory: For its log.
    """

    def __init__(self, broker_url: str, directory: Path) -> None:
        command = [FLOWER.python(), "-m", "celery", "-b", broker_url, "flower", "--address=127.0.0.1"]
        super().__init__("flower", command, directory, FLOWER_UNAUTHENTICATED_API="true")


class CeleryExporter(Monitor):
    """celery-exporter at a broker, with its defaults.

    Args:
        broker_url: The broker.
        directory: For its log.
    """

    def __init__(self, broker_url: str, directory: Path) -> None:
        start = "from src.cli import cli; cli()"
        command = [CELERY_EXPORTER.python(), "-c", start, "--broker-url", broker_url, "--host=127.0.0.1"]
        super().__init__("celery-exporter", command, directory)


MONITORS: dict[str, type[Flower] | type[CeleryExporter]] = {"flower": Flower, "celery-exporter": CeleryExporter}
