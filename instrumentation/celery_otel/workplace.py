"""Where a run of training or tuning finds the task that it runs in, and the way to that task's worker.

In this order: what is in OpenTelemetry's context beside the task's span; the task that Celery says is running on this
thread; what is certain of this process; what `celery_otel.subprocess_options` has put into its environment.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.trace import Span

from celery_otel.inheritance import HEIR
from celery_otel.relay import Outlet
from celery_otel.relay_record import Record
from celery_otel.relay_span import RelaySpan, UnsampledSpan

TASK = otel.create_key("celery-otel-task")
"""Where a context keeps the task that runs in it."""


@dataclass(slots=True)
class RunningTask:
    """A task that runs.

    Attributes:
        span: Its current span.
        outlet: Takes records to its worker; None in a process that has no way there.
        pid: The process that runs it, and not one that it forks.
    """

    span: Span
    outlet: Outlet | None
    pid: int


@dataclass(slots=True)
class Post:
    """A worker, as the processes that run its tasks know it.

    Attributes:
        outlet: Takes records to the worker.
        context: That of the task that runs, or ran last, in a process that runs one at a time.
    """

    outlet: Outlet
    context: Context | None = None


class Posts(dict[str, Post]):
    """The workers of this process, or of the one that it was forked from, by node name."""

    @contextmanager
    def opened(self, hostname: str, post: Post) -> Iterator[None]:
        """Has one while a worker is open."""
        self[hostname] = post
        try:
            yield
        finally:
            if self.get(hostname) is post:
                del self[hostname]


POSTS = Posts()
"""Those of this process."""


class Workplace:
    """The task that the caller runs in.

    Args:
        outlet: Takes records to its worker.
        span: Its span.
        apart: Whether the caller is in another process than the task. What is set on the span is then sent with the
            record that ends the run, since nobody else would.

    Attributes:
        span: The task's own span, also where a span below it is the current one; one that keeps nothing where the task
            is not sampled. None: it is not known (a thread of a threads pool without a context; metrics alone).
    """

    def __init__(self, outlet: Outlet, span: Span | None = None, *, apart: bool = False) -> None:
        self.span = span
        self._outlet = outlet
        self._apart = apart

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Sends a record to MAIN, with the task's span, by which its other keys find theirs.

        Args:
            record: `run`, what `RunRecord.told` gives; and `attributes`, those of the task's span, if any.
            patient: If not, it neither waits for room nor counts as lost where there is none: the next one replaces it.

        Returns:
            Whether it is on its way.
        """
        return self._outlet.send(self._addressed(record), patient=patient)

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know: it is told with the next record, or at the task's end."""
        self._outlet.note(what)

    def writer_fileno(self) -> int | None:
        """The file descriptor that a subprocess may inherit to send, too; None where there is none."""
        return self._outlet.writer_fileno()

    def _addressed(self, record: Record) -> Record:
        if self.span is None or not self.span.get_span_context().trace_flags.sampled:
            return {"run": record["run"]}
        said: Record = {"span": f"{self.span.get_span_context().span_id:016x}"}
        if self._apart and record["run"]["result"] is not None and isinstance(self.span, RelaySpan):
            said = self.span.finish() or said
        attributes = {**said.get("attributes", {}), **record.get("attributes", {})}
        return {**said, **record, "attributes": attributes} if attributes else {**said, **record}


def workplace() -> Workplace | None:
    """The task that the caller runs in; None outside of every worker (a script, a notebook, an eager task)."""
    return _of_context() or _of_thread() or _of_process() or _of_environment()


def _of_context() -> Workplace | None:
    return _in(otel.get_current())


def _in(context: Context) -> Workplace | None:
    task = context.get(TASK)
    return _at(task) if isinstance(task, RunningTask) else None


def _at(task: RunningTask) -> Workplace | None:
    if task.outlet is None:
        return None
    if task.pid == os.getpid():
        return Workplace(task.outlet, task.span)
    return Workplace(task.outlet, _apart(task.span), apart=True)


def _apart(span: Span) -> Span:
    """A span of the same ids for a process of its own: what the task has set on its span, the task tells."""
    kind = RelaySpan if isinstance(span, RelaySpan) else UnsampledSpan
    return kind(span.get_span_context)


def _of_thread() -> Workplace | None:
    """By the task that Celery says is running here: all there is where there are metrics alone."""
    state = sys.modules.get("celery._state")
    for task in () if state is None or not POSTS else state._task_stack.stack:  # noqa: SLF001  # no public name for it
        post = POSTS.get(task.request.hostname)
        if post is not None:
            return Workplace(post.outlet)
    return None


def _of_process() -> Workplace | None:
    """By what is certain of a thread that a task has started: in a child its task, else its worker if there is one."""
    contexts = [post.context for post in POSTS.values() if post.context is not None]
    found = _in(contexts[0]) if len(contexts) == 1 else None
    if found is not None:
        return found
    posts = list(POSTS.values())
    return Workplace(posts[0].outlet) if len(posts) == 1 else None


def _of_environment() -> Workplace | None:
    """By what `celery_otel.subprocess_options` has put into the environment of this process."""
    found = HEIR.found(os.environ)
    if found is None:
        return None
    context = found.context
    if context is None:
        return Workplace(found.sender, apart=True)
    kind = RelaySpan if context.trace_flags.sampled else UnsampledSpan
    return Workplace(found.sender, kind(lambda: context), apart=True)
