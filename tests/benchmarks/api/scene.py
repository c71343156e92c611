"""What is measured: a broker, simulated workers, and the service as its own process."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from tests.integration.api.started import address_of, application_module

Json = dict[str, Any]
API = "/api/v1/celery"
REFRESH_INTERVAL = 2.0
"""Seconds; the service's default."""
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Scene:
    """A running service and the workers that it asks.

    Attributes:
        directory: For logs and scripts.
        address: Of the service.
        tally: Where the workers write down what they are asked.
        process: The service.
    """

    directory: Path
    address: str
    tally: Path
    process: Process

    def get(self, path: str, **query: object) -> Json:
        """Asks the service.

        Raises:
            HTTPStatusError: It answered with an error.
        """
        params = {name: str(value) for name, value in query.items()}
        answer = httpx.get(f"{self.address}{API}/{path}", params=params, timeout=60).raise_for_status()
        body: Json = answer.json()
        return body

    def commands(self) -> list[Json]:
        """What the workers were asked so far."""
        return [json.loads(line) for line in self.tally.read_text(encoding="utf-8").splitlines()]

    def broadcasts(self) -> int:
        """How often they were asked for a report."""
        return sum(command["report"] for command in self.commands())

    def memory(self) -> float:
        """The service's resident memory, in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / MEGABYTE

    def cpu(self) -> float:
        """CPU seconds that the service has used so far, user and system."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)


@contextmanager
def scene(broker_url: str, directory: Path, *, workers: int, tasks: int) -> Iterator[Scene]:
    """Starts workers and service.

    Args:
        broker_url: The broker.
        directory: Where logs go; made if it is not there.
        workers: How many are simulated.
        tasks: How many each of them runs.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tally = directory / "tally.jsonl"
    module = application_module(directory, broker_url)
    env = {"PYTHONUNBUFFERED": "1", "CELERY_OTEL_API_REFRESH_INTERVAL": str(REFRESH_INTERVAL)}
    service = Process(
        "api",
        [sys.executable, "-m", "celery_otel_api", "-A", module, "--port", "0"],
        directory=directory,
        env=env,
        cwd=directory,
    )
    with _simulated(broker_url, directory, tally, workers, tasks), service:
        found = Scene(directory, address_of(service), tally, service)
        _wait_for(found, workers * tasks)
        yield found


def _simulated(broker_url: str, directory: Path, tally: Path, workers: int, tasks: int) -> Process:
    how = ["--broker", broker_url, "--workers", str(workers), "--tasks", str(tasks), "--tally", str(tally)]
    argv = [sys.executable, "-m", "tests.benchmarks.api.simulated", *how]
    return Process("simulated", argv, directory=directory, cwd=ROOT)


def _wait_for(found: Scene, entries: int) -> None:
    def there() -> bool:
        return bool(found.get("tasks/status", fresh=True, limit=1)["summary"]["active"] == entries)

    wait_until(there, deadline=30, message=f"the service does not see the {entries} tasks\n{found.process.log_tail}")
