"""A program that owns servers and is going to be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO


@dataclass
class Owner:
    """A running Python program, and what it prints."""

    popen: subprocess.Popen[str]
    output: IO[str]

    def kill(self) -> None:
        """SIGKILL the program alone."""
        self.popen.kill()
        self.popen.wait()


@contextmanager
def owner(program: str, *arguments: str) -> Iterator[Owner]:
    """Run a piece of Python, with our own import path, which is killed at the latest at the end."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=env, text=True) as popen:
        assert popen.stdout is not None
        running = Owner(popen, popen.stdout)
        try:
            yield running
        finally:
            running.kill()
