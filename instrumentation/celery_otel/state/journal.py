"""Notes every change of a ledger's books, and writes those that belong together as one line.

It is the ledger's lock, too: whatever happens under it, until it is free again, is one line. So each line takes the
ledger from one state that balances to the next.
"""

import json
import threading
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from types import TracebackType
from typing import Any, Self

from celery_otel.metric import Labels
from celery_otel.state import contents
from celery_otel.state.contents import Series


class Journal:
    """The journal of one worker.

    Args:
        write: Takes each line; raises nothing.

    Attributes:
        numbers: The number of each series, in their order.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.numbers: dict[Series, int] = {}
        self._write = write
        # Reentrant, as the ledger needs it: Celery's cold shutdown ends attempts inside a signal handler, which may
        # interrupt the very thread that holds it, in the middle of a change.
        self._lock = threading.RLock()
        self._depth = 0
        self._line: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        self._lock.acquire()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._leave()
        finally:
            self._lock.release()

    def _leave(self) -> None:
        """Goes one level up; from the outermost one nothing stays unwritten."""
        while True:
            try:
                # What a signal handler changes meanwhile is inside, and waits for its turn.
                if self._depth == 1:
                    self.flush()
            finally:
                self._depth -= 1
            if self._depth or not self._line:
                return
            # It came just before the level was left.
            self._depth += 1

    def flush(self) -> None:
        """Writes what has been noted. To be called under the lock."""
        while self._line:
            line, self._line = self._line, {}
            parts = [f'"{key}":[{",".join(told)}]' for key, told in line.items()]
            self._write(f"{{{','.join(parts)}}}\n".encode())

    def number(self, metric: str, labels: Labels, *nothing: Any) -> int:
        """The number of a series, which gets one if it has none.

        Args:
            metric: The metric's name.
            labels: The values of its labels.
            nothing: What the series says before anything is counted.
        """
        found = self.numbers.get((metric, labels))
        if found is None:
            found = self.numbers[metric, labels] = len(self.numbers)
            self._note(contents.SERIES, _json((found, metric, labels, *nothing)))
        return found

    # What follows is told with every task: written as JSON by hand, in a third of an encoder's time.

    def counted(self, metric: str, labels: Labels, value: int) -> None:
        """A counter says so much now."""
        self._note(contents.COUNTS, f"[{self.number(metric, labels, 0)},{value}]")

    def sampled(self, number: int, bucket: int, count: int, total: float) -> None:
        """A bucket of the histogram with this number, and the sum of its samples, say so much now."""
        self._note(contents.SAMPLES, f"[{number},{bucket},{count},{_number(total)}]")

    def opened(self, number: int, task: str, queue: str, received_at: float) -> None:
        """An attempt of this task and queue was opened, and has this number."""
        self._note(contents.OPENED, f"[{number},{_texts(task, queue)},{_number(received_at)}]")

    def closed(self, number: int) -> None:
        """The attempt of this number is not open any more."""
        self._note(contents.CLOSED, str(number))

    def ended(self, identity: int) -> None:
        """An attempt is remembered as ended."""
        self._note(contents.ENDED, str(identity))

    def begun(self, run: dict[str, Any]) -> None:
        """A run of training or tuning has begun."""
        self._note(contents.BEGUN, _json(run))

    def over(self, run: str) -> None:
        """The run of this id has ended."""
        self._note(contents.OVER, _json(run))

    def born(self, number: int, at: int) -> None:
        """The series of this number begins, and is exported right after that, in nanoseconds since 1970."""
        self._note(contents.BORN, f"[{number},{at}]")

    def _note(self, key: str, what: str) -> None:
        # In one step: a signal handler may note something here, too.
        self._line.setdefault(key, []).append(what)


_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@lru_cache(maxsize=1000)
def _texts(task: str, queue: str) -> str:
    """Two labels as JSON has them: they are bounded, and come with every task."""
    return f"{_json(task)},{_json(queue)}"


def _number(value: float) -> str:
    """A number as JSON has it, to its last bit. What is not finite has other names there."""
    return repr(value) if isfinite(value) else _json(value)


def encoded(content: dict[str, Any]) -> bytes:
    """A line of JSON, with its end."""
    return f"{_json(content)}\n".encode()
