"""What the tasks themselves say about their work: one line of JSON per event, appended to a file.

The demo compares the metrics with this journal, with the result backend and with the server's own
record. None of the three knows anything of the metrics.
"""

import json
import os
from pathlib import Path
from typing import Any

from celery import Task

JOURNAL_VARIABLE = "PLAYGROUND_JOURNAL"


class Journal:
    """A file that many processes append to.

    Attributes:
        path: The file. It is made by the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: str, **details: object) -> None:
        """Append one event.

        Args:
            event: What happened: started, searching, retried, ignored, rejected or soft_limit.
            details: What else belongs on the line.
        """
        line = json.dumps({"event": event, **details}) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # One write of a short line under O_APPEND stays whole, however many children write.
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


class JournaledTask(Task):
    """A task that writes down each start and each retry of its own."""

    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Note that an attempt starts, and in which process."""
        self.note("started", id=task_id)

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Note that an attempt asked to be tried again, and why."""
        self.note("retried", id=task_id, error=type(exc).__name__)

    def note(self, event: str, **details: object) -> None:
        """Write an event of the running attempt into the journal.

        Raises:
            KeyError: The worker was started without the variable `PLAYGROUND_JOURNAL`.
        """
        request = self.request
        details = {"id": request.id, "retries": request.retries, "pid": os.getpid()} | details
        Journal(Path(os.environ[JOURNAL_VARIABLE])).write(event, task=self.name, **details)
