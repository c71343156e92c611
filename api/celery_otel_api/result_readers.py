"""Threads that read the result backend: one that hangs holds up neither those that ask the workers nor the end.

Python waits at its end for the threads of every `ThreadPoolExecutor`, as long as they take. It does not for these.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from celery_otel_api.errors import ApiError

T = TypeVar("T")

_Job = tuple[Future[Any], Callable[[], Any]]
_Jobs = SimpleQueue[_Job | None]


class TooManyReadersError(ApiError):
    """As many wait for the result backend as may: it does not answer."""


class ResultReaders:
    """A few threads, which start when they are needed. For one event loop.

    Args:
        threads: How many, at most.
        waiting: How many readings may wait for a thread.
    """

    def __init__(self, threads: int = 4, waiting: int = 1_000) -> None:
        self._threads = threads
        self._waiting = waiting
        self._started = 0
        self._jobs: _Jobs = SimpleQueue()

    async def read(self, reading: Callable[[], T]) -> T:
        """What a reading gives. One whose caller has gone before its turn is left out.

        Raises:
            TooManyReadersError: Too many wait already.
        """
        if self._jobs.qsize() >= self._waiting:
            raise TooManyReadersError("The result backend does not answer.")
        future: Future[T] = Future()
        self._jobs.put((future, reading))
        self._start()
        # What the thread sets, this hands over by `call_soon_threadsafe`.
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Ends the threads that are free, and the others after what they read: nobody waits for that."""
        for _ in range(self._started):
            self._jobs.put(None)
        self._started = 0

    def _start(self) -> None:
        if self._started < self._threads:
            self._started += 1
            Thread(target=_work, args=(self._jobs,), name="celery-otel-results", daemon=True).start()


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        _do(*job)


def _do(future: Future[Any], reading: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(reading())
    except Exception as error:  # noqa: BLE001  # it belongs to who waits
        future.set_exception(error)
