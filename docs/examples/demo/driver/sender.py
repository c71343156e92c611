"""Publishes a unit of the plan, whatever holds its jobs together."""

from collections.abc import Callable

from celery import Celery, chain, chord, group
from celery.canvas import Signature

from .plan import Job, Unit


class Sender:
    """Sends units to the workers.

    Args:
        client: What to send with.
        order: Sends a unit that begins with a web request.
    """

    def __init__(self, client: Celery, order: Callable[[Unit], None]) -> None:
        self._client = client
        self._order = order

    def send(self, unit: Unit) -> None:
        """Publish what a unit begins with; the workers publish the rest."""
        if unit.kind == "request":
            self._order(unit)
            return
        signatures = [self.signature(job) for job in unit.jobs]
        if unit.kind == "chord":
            chord(signatures[:-1], app=self._client)(signatures[-1])
        elif unit.kind == "group":
            group(signatures, app=self._client).apply_async()
        elif unit.kind == "chain":
            chain(*signatures, app=self._client).apply_async()
        else:
            signatures[0].apply_async()

    def signature(self, job: Job) -> Signature:
        """Return the call of a job's task, with its id and options."""
        options = {"task_id": job.id, **job.options}
        return self._client.signature(job.task, kwargs=dict(job.kwargs), **options)
