"""The life cycle that all servers share: ready when started, same ports and data when restarted."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError


class Server(ABC):
    """A process that answers on the network once it is ready."""

    #: Seconds that a start may take; generous, because the machine may be busy with something else.
    start_deadline = 60.0

    def __init__(self, process: Process) -> None:
        self.process = process

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server is ready to work."""

    def start(self) -> None:
        """Start the server and return once it answers.

        Raises:
            ProcessDiedError: It ended instead.
            DeadlineError: It did not answer in time.
        """
        self.process.start()
        try:
            self._wait_until_it_answers()
        except BaseException:
            # Nobody else would: a context manager that fails to enter is never left.
            self.kill()
            raise

    def stop(self, timeout: float = 10) -> None:
        """End the server in an orderly way; kill it after so many seconds."""
        self.process.stop(timeout)

    def kill(self) -> None:
        """SIGKILL the server and everything it started."""
        self.process.kill()

    def restart(self) -> None:
        """Stop the server if it runs, and start it on the same ports and data."""
        self.stop()
        self.start()

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self.process.alive

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    @property
    def log(self) -> str:
        """All that the server has logged so far."""
        return self.process.log

    def _wait_until_it_answers(self) -> None:
        wait_until(
            self._answers_or_died,
            deadline=self.start_deadline,
            message=lambda: f"{self.process.name} does not answer\n{self.process.log_tail}",
        )

    def _answers_or_died(self) -> bool:
        if self.process.alive:
            return self.answers()
        raise ProcessDiedError(f"{self.process.name} ended instead of starting\n{self.process.log_tail}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
