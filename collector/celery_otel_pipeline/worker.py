"""A Celery worker as users start it."""

import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError

_START_DEADLINE = 60.0
_STOP_DEADLINE = 60.0


class CeleryWorker:
    """`celery worker` in a process of its own, logging to a file.

    Args:
        name: The part of the node name before the @; names the log file too.
        app: What `celery -A` takes: a module, or module:attribute.
        broker_url: The broker, which overrides the application's own.
        directory: Where the log goes.
        pool: prefork, threads, solo, gevent or eventlet.
        concurrency: Slots of the pool.
        queues: Queues to consume from; by default the application's.
        env: Variables on top of the inherited ones, from which settings of OpenTelemetry and Celery are taken out.
        arguments: More of the command line.
        python: The interpreter, which decides the Celery version.
        cwd: Working directory, which is on the worker's import path.
        prefix: A command that runs the interpreter, with its arguments.
        mingle: Whether it asks its neighbours for what they have revoked, and waits a second for that, as Celery does
            unless told otherwise.
    """

    def __init__(  # noqa: PLR0913 - these are a command line's options
        self,
        name: str,
        *,
        app: str,
        broker_url: str,
        directory: Path,
        pool: str = "prefork",
        concurrency: int = 4,
        queues: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        python: str = sys.executable,
        cwd: Path | None = None,
        prefix: Sequence[str] = (),
        mingle: bool = False,
    ) -> None:
        self.node_name = f"{name}@{socket.gethostname()}"
        argv = [
            *prefix,
            python,
            "-m",
            "celery",
            "-A",
            app,
            "-b",
            broker_url,
            "worker",
            "-n",
            f"{name}@%h",
            "-l",
            "INFO",
        ]
        argv += ["-P", pool, "-c", str(concurrency)]
        argv += ["-Q", ",".join(queues)] if queues else []
        argv += [] if mingle else ["--without-mingle"]
        # Unbuffered, so that the log is whole when the worker is killed.
        self.process = Process(
            name, [*argv, *arguments], directory=directory, env={"PYTHONUNBUFFERED": "1", **(env or {})}, cwd=cwd
        )

    def start(self) -> None:
        """Start the worker and return once it consumes.

        Raises:
            ProcessDiedError: It ended instead.
            DeadlineError: It was not ready within a minute.
        """
        start_together([self])

    def wait_until_ready(self) -> None:
        """Return once the started worker consumes; raises as `start` does."""
        wait_until(
            self._ready_or_died,
            deadline=_START_DEADLINE,
            message=lambda: f"worker {self.node_name} is not ready\n{self.process.log_tail}",
        )

    def warm_stop(self, timeout: float = _STOP_DEADLINE) -> int:
        """Let the running tasks end (SIGTERM); return the exit status.

        Raises:
            DeadlineError: The worker still runs after so many seconds.
            ProcessDiedError: It was not running.
        """
        return self._stop_by(signal.SIGTERM, timeout)

    def cold_stop(self, timeout: float = _STOP_DEADLINE) -> int:
        """Give the running tasks up (SIGQUIT); return the exit status.

        Raises:
            DeadlineError: The worker still runs after so many seconds.
            ProcessDiedError: It was not running.
        """
        return self._stop_by(signal.SIGQUIT, timeout)

    def kill(self) -> None:
        """SIGKILL the worker's MAIN process, then its children."""
        self.process.kill()

    def stop(self, timeout: float = 10) -> None:
        """End the worker in whatever state it is: SIGTERM, and SIGKILL after so many seconds."""
        self.process.stop(timeout)

    def signal(self, signum: int) -> None:
        """Send a signal to the worker's MAIN process."""
        self.process.signal(signum)

    @property
    def alive(self) -> bool:
        """Whether the worker's MAIN process runs."""
        return self.process.alive

    @property
    def pid(self) -> int:
        """The process id of MAIN."""
        return self.process.pid

    @property
    def children(self) -> list[int]:
        """The process ids of MAIN's children, the pool's first of all."""
        return [child.pid for child in psutil.Process(self.pid).children()]

    @property
    def log(self) -> str:
        """All that the worker has logged so far."""
        return self.process.log

    @property
    def log_path(self) -> Path:
        """The worker's log file."""
        return self.process.log_path

    def _stop_by(self, signum: int, timeout: float) -> int:
        self.process.signal(signum)
        status = self.process.wait(timeout)
        self.process.kill()
        return status

    def _ready_or_died(self) -> bool:
        if self.process.alive:
            return f"{self.node_name} ready." in self.process.log_since_start
        raise ProcessDiedError(f"worker {self.node_name} ended instead of starting\n{self.process.log_tail}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_together(workers: Sequence[CeleryWorker]) -> None:
    """Start workers at the same time and return once all of them consume; raises as `CeleryWorker.start` does."""
    for worker in workers:
        worker.process.start()
    try:
        for worker in workers:
            worker.wait_until_ready()
    except BaseException:
        # Nobody else would: a context manager that fails to enter is never left.
        for worker in workers:
            worker.kill()
        raise
