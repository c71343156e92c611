"""Whether a process is gone is known, also before anybody has waited for it."""

import os
import signal
import subprocess
import sys

from celery_otel.hooks.processes import watch
from celery_otel_pipeline.polling import wait_until


def test_a_process_that_dies_is_gone() -> None:
    """It is there while it runs, gone as a zombie, and gone for good."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        is_gone = watch(process.pid)
        assert not is_gone()
        os.kill(process.pid, signal.SIGKILL)
        wait_until(is_gone, deadline=10, message="a killed process is not seen as gone")
        assert watch(process.pid)() or process.poll() is None
        process.wait()
        assert is_gone()
        assert watch(process.pid)()


def test_this_process_is_there() -> None:
    """Runs of pools without children are in the worker itself."""
    assert not watch(os.getpid())()
