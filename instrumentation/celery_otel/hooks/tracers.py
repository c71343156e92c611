"""Puts functions around Celery's tracers: what runs a task in a worker, or where it is called eagerly.

Celery has two signals for the same moments. Its way to their receivers takes longer than all that is done here for a
task, and a tracer that is wrapped takes nothing from tasks that are not ours.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from celery.app import trace

from celery_otel.hooks.installed import patched

Tracer = Callable[..., Any]
"""What runs a task once: from its id, arguments, keyword arguments and request, a mapping."""
_OURS = "_celery_otel_tracers"
"""Where a wrapped tracer keeps who has wrapped it."""


class Tracers:
    """Wraps every tracer that Celery builds, while it is entered.

    Args:
        wrap: Makes a tracer of Celery's own, its task, and whether the task runs eagerly; None leaves it as it is.
        app: An application whose tasks have their tracers already.
        workers: Whether those of workers are wrapped too. A process without a worker need not load what builds them.
    """

    def __init__(
        self, wrap: Callable[[Tracer, Any, bool], Tracer | None], *, app: Any = None, workers: bool = False
    ) -> None:
        self._wrap = wrap
        self._app = app
        self._workers = workers
        self._entered = False
        self._tasks: WeakSet[Any] = WeakSet()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._entered = True
        for module in self._builders():
            self._stack.enter_context(patched(module, "build_tracer", self._building(module.build_tracer)))
        for task in () if self._app is None else self._app.tasks.values():
            if task.__trace__ is not None:
                task.__trace__ = self._wrapped(task.__trace__, task, eager=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
        self._entered = False
        for task in self._tasks:
            if getattr(task.__trace__, _OURS, None) is self:
                task.__trace__ = task.__trace__.__wrapped__

    def _builders(self) -> list[Any]:
        if not self._workers:
            return [trace]
        from celery.worker.consumer import consumer  # noqa: PLC0415  # see `workers`

        return [trace, consumer]

    def _building(self, build: Callable[..., Tracer]) -> Callable[..., Tracer]:
        @wraps(build)
        def build_tracer(name: str, task: Any, *args: Any, **kwargs: Any) -> Tracer:
            return self._wrapped(build(name, task, *args, **kwargs), task, eager=bool(kwargs.get("eager")))

        return build_tracer

    def _wrapped(self, tracer: Tracer, task: Any, *, eager: bool) -> Tracer:
        # Somebody who has patched on top of ours goes on calling it.
        made = self._wrap(tracer, task, eager) if self._entered else None
        if made is None:
            return tracer
        wrapper = wraps(tracer)(made)
        setattr(wrapper, _OURS, self)
        self._tasks.add(task)
        return wrapper
