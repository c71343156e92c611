"""The end of the relay that children write into: see `relay`."""

import os
import select
import socket
import time
from collections import Counter, deque

from celery_otel.relay_record import Notes, Record, encode, fitted

DROPPED = "dropped"
"""Noted for a record that is lost: there was no room for it in time, or it could not be put into a datagram."""
CUT = "cut"
"""Noted for a record that arrives without some of what was in it, because it was too large."""

PATIENCE = 0.5
"""The most that a send waits for room, in seconds."""
LARGEST = 100_000
"""Bytes of the largest datagram: the smallest buffer in use, 208 kB, still has room for another beside it."""
_LOOK = 0.01
"""Seconds between two tries where nobody tells when there is room."""


class Sender:
    """Sends records to a worker's MAIN process.

    Args:
        writer: The socket, which is closed by whoever made it.
        patience: The most that a send waits for room, in seconds.

    Attributes:
        untold: What was counted and is not yet told; empty nearly always.
    """

    def __init__(self, writer: socket.socket, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._writer = writer
        self._writer.settimeout(0)
        self._limit = min(LARGEST, self._writer.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2)
        self._teller = os.getpid()
        # A deque, whose single steps need no lock: a lock could be held by another thread while a child is forked.
        self.untold: deque[Notes] = deque()

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Sends a record, from any process and thread. Waits at most 0.5 s for room, then drops and counts it.

        Args:
            record: What JSON can hold, and bytes. One that is too large is cut down (`relay_record.fitted`).
            patient: If not, it neither waits nor counts: what is sent so is replaced by what comes after it, and leaves
                room for that.

        Returns:
            Whether it is on its way.
        """
        if not patient and not self._is_writable(0.0):
            return False
        notes = self._take_untold()
        sent = False
        try:
            datagram = self._datagram(record, notes)
            sent = datagram is not None and self._write(datagram, self._patience if patient else 0.0)
        finally:
            # Also when a signal's handler raises here, as Celery's do for a time limit.
            lost = notes + Counter({DROPPED: int(patient)})
            if not sent and lost:
                self.untold.append(lost)
        return sent

    def writer_fileno(self) -> int | None:
        """The file descriptor that a subprocess may inherit to send, too; None once it is closed."""
        descriptor = self._writer.fileno()
        return descriptor if descriptor >= 0 else None

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know, from any process and thread.

        Args:
            what: What it is, in a word.
        """
        self._disown()
        self.untold.append({what: 1})

    def tell(self) -> None:
        """Sends what was counted and not yet told, if there is room right now."""
        if self.untold and (notes := self._take_untold()) and not self._write(encode(None, notes), 0.0):
            self.untold.append(notes)

    def _datagram(self, record: Record, notes: Counter[str]) -> bytes | None:
        """The datagram of a record, cut down if it must be; None if there is none."""
        try:
            datagram = encode(record, notes)
            if len(datagram) <= self._limit:
                return datagram
            notes = notes + Counter({CUT: 1})
            return encode(fitted(record, self._limit - len(encode(None, notes))), notes)
        except (ValueError, TypeError, RecursionError):
            return None

    def _write(self, datagram: bytes, patience: float) -> bool:
        end = time.monotonic() + patience
        while True:
            try:
                self._writer.send(datagram)
            except BlockingIOError:
                if not self._has_room(end - time.monotonic()):
                    return False
            except OSError:
                return False
            else:
                return True

    def _has_room(self, seconds: float) -> bool:
        return seconds > 0 and self._is_writable(seconds)

    def _is_writable(self, seconds: float) -> bool:
        """Whether there is room within so many seconds: three quarters of the buffer, as the kernel sees it."""
        if not hasattr(select, "poll"):
            # Eventlet takes it away.
            time.sleep(min(seconds, _LOOK))
            return True
        poll = select.poll()
        try:
            poll.register(self._writer, select.POLLOUT)
        except ValueError:
            # Closed meanwhile: whoever writes now is told.
            return True
        return bool(poll.poll(seconds * 1000))

    def _disown(self) -> None:
        """Forgets, after a fork, what was counted before it: the process that counted it tells it."""
        if self._teller != os.getpid():
            self.untold.clear()
            self._teller = os.getpid()

    def _take_untold(self) -> Counter[str]:
        self._disown()
        notes: Counter[str] = Counter()
        while self.untold:
            try:
                notes.update(self.untold.popleft())
            except IndexError:
                # Another thread was faster.
                break
        return notes
