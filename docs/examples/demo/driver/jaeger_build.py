"""Builds Jaeger where it is not built yet, in a process that ends with the demo, whenever that is."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from celery_otel_pipeline.polling import DeadlineError
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT

COMMAND = ("make", "--silent", "--no-print-directory", "tool-path", "NAME=jaeger")
CHOSEN = "CELERY_OTEL_TOOL_JAEGER"
CACHE = "CELERY_OTEL_CACHE"
POLL_SECONDS = 0.1
SECONDS_TO_CLEAN_UP = 10.0


class BuildError(Exception):
    """Jaeger was not built: the end of the log says why."""


class JaegerBuild:
    """The build, which finds at once what was built before.

    Args:
        directory: Where the log goes.
        say: Is told how far it is.
        check: Raises when a server of the demo is gone or the demo is to end.
    """

    def __init__(self, directory: Path, say: Callable[[str], None], check: Callable[[], None]) -> None:
        # Called from a recipe of make, the outer make's flags (-n, -j) must not reach the inner one.
        env = {"MAKEFLAGS": "", "MFLAGS": ""}
        env |= {CACHE: os.environ[CACHE]} if CACHE in os.environ else {}
        self._process = Process("jaeger-build", COMMAND, directory=directory, env=env, cwd=ROOT)
        self._say = say
        self._check = check

    def run(self) -> None:
        """Build it, unless a ready-made one was chosen by `CELERY_OTEL_TOOL_JAEGER`.

        Raises:
            BuildError: It was not built.
            StackError: A server of the demo ended meanwhile.
        """
        if CHOSEN in os.environ:
            return
        with self._process as process:
            try:
                self._follow()
            finally:
                self._interrupt()
            if process.wait(0) != 0:
                raise BuildError(f"Jaeger was not built.\n{process.log_tail}")

    def _follow(self) -> None:
        told = 0
        while self._process.alive:
            self._check()
            lines = self._progress()
            for line in lines[told:]:
                self._say(line)
            told = len(lines)
            time.sleep(POLL_SECONDS)

    def _interrupt(self) -> None:
        """End an unfinished build as Ctrl-C in a terminal does, all of its processes at once: it cleans up after it."""
        if self._process.alive:
            os.killpg(self._process.pid, signal.SIGINT)
            with contextlib.suppress(DeadlineError):
                self._process.wait(SECONDS_TO_CLEAN_UP)

    def _progress(self) -> list[str]:
        """Return the whole lines so far that speak to the user; the last one of the log is the program's path."""
        whole = self._process.log.rpartition("\n")[0].splitlines()
        return [line.removeprefix("celery-otel: ") for line in whole if line.startswith("celery-otel: ")]
