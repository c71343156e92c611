"""Follows a monitor's page as Prometheus would, and starts the monitor again when it has ended."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from celery_otel_pipeline.process import ProcessDiedError
from tests.benchmarks.counts.ended import Ends
from tests.benchmarks.monitors import Monitor

#: Seconds between two looks.
INTERVAL = 0.5


class Followed:
    """What a monitor shows, over all its lives: what it showed last is kept when it ends.

    Args:
        monitor: It, which runs.
        parse: Reads its page.

    Attributes:
        ended: How often it has ended by itself.
    """

    def __init__(self, monitor: Monitor, parse: Callable[[str], Ends]) -> None:
        self.ended = 0
        self._monitor = monitor
        self._parse = parse
        self._before: Ends = Counter()
        self._last: Ends = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower")

    def shown(self) -> Ends:
        """What it has shown so far."""
        return self._before + self._last

    def _follow(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                # One that does not answer this time is asked again.
                with contextlib.suppress(OSError):
                    self._last = self._parse(self._monitor.page)
            except ProcessDiedError:
                self._begin_anew()

    def _begin_anew(self) -> None:
        self.ended += 1
        self._before, self._last = self.shown(), Counter()
        self._monitor.process.start()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
