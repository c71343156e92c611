"""The way from the children of a pool to the worker's MAIN process, for what tasks say about themselves.

MAIN makes the pair of sockets before the pool forks, so that every child inherits it, whenever it is forked. Each
record is one datagram: boundaries are kept however many children write at once. They all share one send buffer.

Nothing is lost silently: what a child drops or cuts it counts, and tells MAIN with the next datagram that goes through.
Only the counts of a child that dies before that are lost with it: nobody else can know them.
"""

import os
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from celery_otel.relay_record import GarbageError, Notes, Record, decode, encode, fitted

DROPPED = "dropped"
"""Noted for a record that is lost: there was no room for it in time, or it could not be put into a datagram."""
CUT = "cut"
"""Noted for a record that arrives without some of what was in it, because it was too large."""
GARBAGE = "garbage"
"""Noted for a datagram that is not one of ours, or not whole."""
LOSSES = (DROPPED, CUT, GARBAGE)

PATIENCE = 0.5
"""The most that a send waits for room, in seconds."""
BUFFER = 1 << 20
"""Bytes of send buffer that are asked for, used only while MAIN is busy; the kernel may allow less."""
LARGEST = 100_000
"""Bytes of the largest datagram: the smallest buffer in use, 208 kB, still has room for another beside it."""
MOST = 1_000
"""Datagrams that are read at once, and records that wait in a process without children."""

Noted = Callable[[str, int], None]
"""Called in MAIN with what was counted, one of `LOSSES` or what a child noted, and how many."""


class Carrier(Protocol):
    """What carries records to MAIN."""

    def send(self, record: Record) -> bool:
        """Sends a record; tells whether it is on its way."""

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know."""

    def tell(self) -> None:
        """Sends what was counted and not yet told, if there is room right now."""

    def fileno(self) -> int | None:
        """What to watch for records; None if there is nothing to watch."""

    def drain(self) -> list[Record]:
        """The records that have come."""

    def close(self) -> None:
        """Ends it."""


class Relay:
    """Carries records from the processes that are forked after it was made.

    Args:
        noted: Takes the counts, in MAIN, on the thread that drains.
        patience: The most that a send waits for room, in seconds.
    """

    def __init__(self, noted: Noted, patience: float = PATIENCE) -> None:
        self._noted = noted
        self._patience = patience
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reader.settimeout(0)
        self._writer.settimeout(0)
        self._writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._limit = min(LARGEST, self._writer.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2)
        self._buffer = bytearray(self._limit)
        self._lock = threading.Lock()
        self._main = self._teller = os.getpid()
        # A deque, whose single steps need no lock: a lock could be held by another thread while a child is forked.
        self._untold: deque[Notes] = deque()

    def send(self, record: Record) -> bool:
        """Sends a record, from any process and thread. Waits at most 0.5 s for room, then drops and counts it.

        Args:
            record: What JSON can hold, and bytes. One that is too large is cut down (`relay_record.fitted`).

        Returns:
            Whether it is on its way.
        """
        notes = self._take_untold()
        sent = False
        try:
            datagram = self._datagram(record, notes)
            sent = datagram is not None and self._write(datagram, self._patience)
        finally:
            # Also when a signal's handler raises here, as Celery's do for a time limit.
            if not sent:
                self._untold.append(notes + Counter({DROPPED: 1}))
        return sent

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know, from any process and thread.

        Args:
            what: What it is, in a word.
        """
        self._disown()
        self._untold.append({what: 1})

    def tell(self) -> None:
        """Sends what was counted and not yet told, if there is room right now."""
        if self._untold and (notes := self._take_untold()) and not self._write(encode(None, notes), 0.0):
            self._untold.append(notes)

    def fileno(self) -> int:
        """The file descriptor that becomes readable when records come. For MAIN."""
        return self._reader.fileno()

    def drain(self) -> list[Record]:
        """The records that have come, at most 1000 of them, without waiting. For MAIN, from any thread.

        A record that a thread has drained is only in its hands: who looks for records by their span on several threads
        must drain and keep them under one lock.
        """
        records = []
        with self._lock:
            for _ in range(MOST):
                datagram = self._read()
                if datagram is None:
                    break
                record = self._opened(datagram)
                if record is not None:
                    records.append(record)
        return records

    def close(self) -> None:
        """Ends it for all processes: those that go on sending are told at once, and do not wait. Nothing in a child."""
        if os.getpid() != self._main:
            return
        with self._lock:
            if self._reader.fileno() >= 0:
                self._reader.shutdown(socket.SHUT_RDWR)
            self._reader.close()
            self._writer.close()

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
        if seconds <= 0:
            return False
        poll = select.poll()
        poll.register(self._writer, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _disown(self) -> None:
        """Forgets, after a fork, what was counted before it: the process that counted it tells it."""
        if self._teller != os.getpid():
            self._untold.clear()
            self._teller = os.getpid()

    def _take_untold(self) -> Counter[str]:
        self._disown()
        notes: Counter[str] = Counter()
        while self._untold:
            try:
                notes.update(self._untold.popleft())
            except IndexError:
                # Another thread was faster.
                break
        return notes

    def _read(self) -> bytes | None:
        try:
            size, _, flags, _ = self._reader.recvmsg_into([self._buffer])
        except OSError:
            # Nothing there, or closed.
            return None
        return b"" if flags & socket.MSG_TRUNC else bytes(self._buffer[:size])

    def _opened(self, datagram: bytes) -> Record | None:
        try:
            record, notes = decode(datagram)
        except GarbageError:
            self._noted(GARBAGE, 1)
            return None
        for what, number in notes.items():
            self._noted(what, number)
        return record


class DirectRelay:
    """The same for a pool without processes: a record is handed over as it is.

    Args:
        noted: Takes the counts.
    """

    def __init__(self, noted: Noted) -> None:
        self._noted = noted
        self._records: deque[Record] = deque()

    def send(self, record: Record) -> bool:
        """Hands a record over, unless 1000 of them wait already."""
        if len(self._records) >= MOST:
            self._noted(DROPPED, 1)
            return False
        self._records.append(record)
        return True

    def note(self, what: str) -> None:
        """Counts something."""
        self._noted(what, 1)

    def tell(self) -> None:
        """Everything is told already."""

    def fileno(self) -> int | None:
        """None: there is nothing to watch."""
        return None

    def drain(self) -> list[Record]:
        """The records that have come. From any thread."""
        records = []
        while self._records:
            try:
                records.append(self._records.popleft())
            except IndexError:
                # Another thread was faster.
                break
        return records

    def close(self) -> None:
        """Forgets what was not drained."""
        self._records.clear()
