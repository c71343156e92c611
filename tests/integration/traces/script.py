"""Runs a piece of Python in a process of its own: a process has one tracer provider, which can be set once."""

import subprocess
import sys
from textwrap import dedent

from celery_otel_pipeline.environment import child_environment

PREAMBLE = """
import threading
from celery import Celery
from opentelemetry import trace
import celery_otel

app = Celery("shop", broker="memory://", set_as_current=False)

def threads():
    return {thread.name for thread in threading.enumerate()} - {"MainThread"}
"""


DEADLINE = 30.0
"""Seconds until a piece of code must have ended."""


def run(code: str, **env: str) -> str:
    """Runs code after the preamble; gives what it printed.

    Args:
        code: Python.
        env: More of its environment.

    Raises:
        AssertionError: It failed; the message is its error output.
        TimeoutExpired: It did not end in time.
    """
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + dedent(code)],
        env=child_environment(env),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout
