"""A Redis for each test, workers, and Celery's command line as users type it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker

ROOT = Path(__file__).parents[3]
INSTRUMENTED = "tests.integration.commands.application:app"
PLAIN = "tests.integration.commands.plain:app"
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRIC_EXPORT_INTERVAL": "500"}


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """Its output as JSON."""
        found = json.loads(self.output)
        assert isinstance(found, dict)
        return found

    def found(self, level: str) -> dict[str, str]:
        """What doctor found of a level, by what it looked at."""
        return {finding["what"]: finding["found"] for finding in self.document["findings"] if finding["level"] == level}


class Shop:
    """An application with its broker, which is its result backend too.

    Args:
        url: The broker.
        directory: Where logs go.
        stack: Ends the workers.
    """

    def __init__(self, url: str, directory: Path, stack: ExitStack) -> None:
        self.url = url
        self.directory = directory
        self._stack = stack

    def worker(
        self,
        name: str,
        *,
        app: str = INSTRUMENTED,
        env: Mapping[str, str] | None = None,
        log: str = "",
        pool: str = "threads",
        arguments: Sequence[str] = (),
    ) -> CeleryWorker:
        """A worker that runs until the end of the test; `log` names its directory where two have one name."""
        worker = CeleryWorker(
            name,
            app=app,
            broker_url=self.url,
            directory=self.directory / log,
            pool=pool,
            concurrency=2,
            env={"CELERY_RESULT_BACKEND": self.url, **QUIET, **(env or {})},
            arguments=[f"--statedb={self.directory / log / name}.state", *arguments],
            cwd=ROOT,
        )
        worker.start()
        self._stack.callback(worker.kill)
        return worker

    def command(self, *arguments: str) -> list[str]:
        """The command line of `celery otel`."""
        return [sys.executable, "-m", "celery", "-A", INSTRUMENTED, "-b", self.url, "otel", *arguments]

    def environment(self, additions: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the command runs with."""
        return child_environment({"CELERY_RESULT_BACKEND": self.url, **QUIET, **(additions or {})})

    def run(self, *arguments: str, **env: str) -> Done:
        """Runs `celery otel` with these arguments and variables."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis server."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def shop(redis: RedisServer, tmp_path: Path) -> Iterator[Shop]:
    """The application."""
    with ExitStack() as stack:
        yield Shop(redis.url, tmp_path, stack)


@pytest.fixture
def nowhere(tmp_path: Path) -> Shop:
    """The application without its broker."""
    return Shop(f"redis://:hunter2@{LOOPBACK}:{free_port()}/0", tmp_path, ExitStack())
