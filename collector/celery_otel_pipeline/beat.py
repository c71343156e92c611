"""Celery's beat as users start it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server


class CeleryBeat(Server):
    """`celery beat` in a process of its own, with its schedule and its log in files.

    Args:
        name: Names the log file and the schedule's file.
        app: What `celery -A` takes: a module, or module:attribute.
        broker_url: The broker, which overrides the application's own.
        directory: Where log and schedule go.
        scheduler: The scheduler's class, or the alias of one; by default Celery's own, which keeps its schedule.
        env: Variables on top of the inherited ones, from which settings of OpenTelemetry and Celery are taken out.
        arguments: More of the command line.
        python: The interpreter, which decides the Celery version.
        cwd: Working directory, which is on beat's import path.
    """

    def __init__(  # noqa: PLR0913 - these are a command line's options
        self,
        name: str,
        *,
        app: str,
        broker_url: str,
        directory: Path,
        scheduler: str = "celery.beat:PersistentScheduler",
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        python: str = sys.executable,
        cwd: Path | None = None,
    ) -> None:
        self.schedule_path = directory / f"{name}-schedule"
        argv = [python, "-m", "celery", "-A", app, "-b", broker_url, "beat", "-l", "INFO", "-S", scheduler]
        argv += ["-s", str(self.schedule_path), *arguments]
        # Unbuffered, so that the log is whole when beat is killed.
        super().__init__(
            Process(name, argv, directory=directory, env={"PYTHONUNBUFFERED": "1", **(env or {})}, cwd=cwd)
        )

    def answers(self) -> bool:
        """Whether it has its schedule and is about to tick."""
        return "beat: Starting..." in self.process.log_since_start
