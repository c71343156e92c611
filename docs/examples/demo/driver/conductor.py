"""Sends the plan's units to the workers, and revokes, terminates and kills where the plan says so."""

import os
import signal
from collections.abc import Callable, Sequence

from celery import Celery

from .plan import Intervention, Job, Plan, Unit
from .sender import Sender
from .witness import JournalReader

REPLY_SECONDS = 5.0
# A worker in great need of a CPU is asked again: to revoke what is revoked changes nothing.
REQUESTS = 6


class ConductorError(Exception):
    """The workers did not do what the plan needs of them."""


class Conductor:
    """Carries out a plan, step by step.

    Args:
        client: What to send with.
        workers: The workers' node names.
        children: Knows their child processes.
        order: Orders a unit at the web front, and returns the id of the trace that begins there.
        check: Raises when a server is gone or the demo is to end.

    Attributes:
        waiting: Jobs that the driver still has to terminate or kill, once they search.
        trace_id: The trace of the web request, once it was sent.
    """

    def __init__(
        self,
        client: Celery,
        workers: Sequence[str],
        children: Callable[[], set[int]],
        order: Callable[[Unit], str],
        check: Callable[[], None],
    ) -> None:
        self.waiting: list[Job] = []
        self.trace_id = ""
        self._order = order
        self._check = check
        self._client = client
        self._sender = Sender(client, self._request)
        self._workers = workers
        self._children = children

    def prepare(self, plan: Plan) -> None:
        """Revoke what must be revoked before it is sent.

        Raises:
            ConductorError: Not every worker confirmed.
            StackError: A server ended.
        """
        self._revoke([job.id for job in plan.jobs if job.intervention is Intervention.REVOKE_BEFORE])

    def send(self, unit: Unit) -> None:
        """Send a unit, and revoke what must be revoked while it waits.

        Raises:
            ConductorError: Not every worker confirmed that a task is revoked.
            StackError: A server ended.
        """
        self._sender.send(unit)
        revoked = [job.id for job in unit.jobs if job.intervention is Intervention.REVOKE_WAITING]
        if revoked:
            self._revoke(revoked)
        ending = (Intervention.TERMINATE, Intervention.KILL_CHILD)
        self.waiting += [job for job in unit.jobs if job.intervention in ending]

    def intervene(self, journal: JournalReader) -> None:
        """Terminate or kill those of the waiting jobs whose searches have begun.

        Raises:
            ConductorError: The journal names a process that is no child of the workers.
            StackError: A server ended.
        """
        for job in list(self.waiting):
            pid = journal.searching_in(job.id)
            if pid is not None:
                self.waiting.remove(job)
                self._end(job, pid)

    def _end(self, job: Job, pid: int) -> None:
        if job.intervention is Intervention.TERMINATE:
            self._client.control.revoke(job.id, terminate=True, signal="SIGTERM")
            return
        if pid not in self._children():
            # A worker that has just died has no children, and is the better reason.
            self._check()
            raise ConductorError(f"Process {pid} runs {job.id}, but is no child of the demo's workers: not killed.")
        os.kill(pid, signal.SIGKILL)

    def _revoke(self, ids: Sequence[str]) -> None:
        """Revoke and wait until each worker has confirmed: before that, one of them could run the task."""
        silent = set(self._workers)
        for _ in range(REQUESTS):
            silent -= self._confirming(ids)
            if not silent:
                return
            self._check()
        problem = f"No answer to revoke within {REQUESTS * REPLY_SECONDS:.0f} s from {sorted(silent)}"
        raise ConductorError(f"{problem}: try again when the machine is less busy.")

    def _confirming(self, ids: Sequence[str]) -> set[str]:
        replies = self._client.control.revoke(list(ids), reply=True, timeout=REPLY_SECONDS, limit=len(self._workers))
        return {name for reply in replies for name in reply}

    def _request(self, unit: Unit) -> None:
        self.trace_id = self._order(unit)
