"""`python -m celery_otel_api` as users start it, for the tests of the command and of its security."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process, ProcessDiedError

_LISTENS = re.compile(r"celery-otel-api listens on (\S+)")

APPLICATION = """
import celery

app = celery.Celery("shop", broker="{broker}")
app.conf.broker_connection_retry_on_startup = True
"""


def service_process(directory: Path, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> Process:
    """The service's process, not started yet; its working directory is `directory`."""
    argv = [sys.executable, "-W", "error", "-m", "celery_otel_api", *arguments]
    return Process("api", argv, directory=directory, cwd=directory, env={"PYTHONUNBUFFERED": "1", **(env or {})})


def application_module(directory: Path, broker: str) -> str:
    """Writes an application whose broker is this one; gives the name of its module."""
    (directory / "shop_of_test.py").write_text(APPLICATION.format(broker=broker), encoding="utf-8")
    return "shop_of_test"


def address_of(process: Process) -> str:
    """Where a started service listens, once it does.

    Raises:
        ProcessDiedError: It ended instead.
    """

    def found() -> str:
        if not process.alive:
            raise ProcessDiedError(f"the service ended instead of starting\n{process.log_tail}")
        match = _LISTENS.search(process.log_since_start)
        return match[1] if match else ""

    return wait_until(found, deadline=30, message=lambda: f"the service does not listen\n{process.log_tail}")
