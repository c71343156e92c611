"""One child process with its log, which never outlives its parent."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from celery_otel_pipeline import session_guard
from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.held_signals import ending_signals_held
from celery_otel_pipeline.polling import DeadlineError

_TAIL_LINES = 30
_GUARD_PATIENCE = 20.0


class ProcessDiedError(RuntimeError):
    """A process ended that should have gone on."""


class _Guard:
    """The watcher of one session (see `session_guard`)."""

    def __init__(self, session: int) -> None:
        argv = [sys.executable, "-I", "-S", session_guard.__file__]
        self._popen = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own file
        self._tell(f"{session}\n")

    def end_session(self) -> None:
        """Kill what is left of the session; return when nothing is."""
        self._tell("end\n")
        status = self._popen.wait(_GUARD_PATIENCE)
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        if status != 0:
            raise ProcessDiedError(f"the guard ended with status {status}: its error output says what survived")

    def _tell(self, line: str) -> None:
        if self._popen.stdin is None:
            raise ProcessDiedError("the guard has no standard input")
        self._popen.stdin.write(line.encode())
        self._popen.stdin.flush()


class Process:
    """A program that is started, watched and ended together with everything that it starts.

    Args:
        name: Names the log file, `<name>.log`, and appears in messages.
        argv: The program and its arguments.
        directory: Where the log goes; made when missing.
        env: Variables on top of the inherited ones (see `environment`).
        cwd: The program's working directory; by default ours.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        directory: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log_path = directory / f"{name}.log"
        self._env = dict(env or {})
        self._cwd = cwd
        self._popen: subprocess.Popen[bytes] | None = None
        self._guard: _Guard | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start the program; a process that ended can be started again.

        Raises:
            RuntimeError: It runs already.
        """
        if self.alive:
            raise RuntimeError(f"{self.name} runs already, with pid {self.pid}: stop it first")
        self._end_session()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        # A Ctrl-C between the birth of a process and its name in our books would leave it behind.
        with ending_signals_held():
            self._launch()

    def _launch(self) -> None:
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(  # noqa: S603 - the caller names the program
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=child_environment(self._env),
                cwd=self._cwd,
                start_new_session=True,
            )
        self._guard = _Guard(self._popen.pid)

    def stop(self, timeout: float = 10) -> int | None:
        """Ask the program to end (SIGTERM), and kill it and all it started when it has not done so in time.

        Args:
            timeout: Seconds between asking and killing.

        Returns:
            The exit status, negative for a signal; None if it was never started.
        """
        if self._popen is None:
            return None
        self._send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self.kill()

    def kill(self) -> int | None:
        """SIGKILL the program, then whatever it started, and return when all is gone."""
        if self._popen is None:
            return None
        self._send(signal.SIGKILL)
        status = self._popen.wait()
        self._end_session()
        return status

    def signal(self, signum: int) -> None:
        """Send a signal to the program alone.

        Raises:
            ProcessDiedError: It is not running.
        """
        if not self.alive:
            raise ProcessDiedError(f"{self.name} is not running and cannot be sent signal {signum}\n{self.log_tail}")
        self._send(signum)

    def wait(self, timeout: float) -> int:
        """Return the exit status, negative for a signal, once the program has ended by itself.

        Raises:
            DeadlineError: It still runs after so many seconds.
            ProcessDiedError: It was never started.
        """
        if self._popen is None:
            raise ProcessDiedError(f"{self.name} was never started")
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise DeadlineError(f"{self.name} still runs after {timeout:g} s\n{self.log_tail}") from None

    @property
    def alive(self) -> bool:
        """Whether the program itself runs."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """The program's process id, also after its end.

        Raises:
            ProcessDiedError: It was never started.
        """
        if self._popen is None:
            raise ProcessDiedError(f"{self.name} was never started")
        return self._popen.pid

    @property
    def log(self) -> str:
        """All that the program has written so far, over all its starts."""
        return self._log_from(0)

    @property
    def log_since_start(self) -> str:
        """What the program has written since its last start."""
        return self._log_from(self._log_start)

    @property
    def log_tail(self) -> str:
        """The end of the log, with its path, for a message."""
        tail = "\n".join(self.log.splitlines()[-_TAIL_LINES:])
        return f"--- the end of {self.log_path}:\n{tail}"

    def _log_from(self, position: int) -> str:
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def _send(self, signum: int) -> None:
        if self.alive:
            os.kill(self.pid, signum)

    def _end_session(self) -> None:
        if self._guard is None:
            return
        guard, self._guard = self._guard, None
        guard.end_session()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
