"""The way from the children of a pool to the worker's MAIN process, for what tasks say about themselves.

MAIN makes the pair of sockets before the pool forks, so that every child inherits it, whenever it is forked. Each
record is one datagram: boundaries are kept however many children write at once. They all share one send buffer.

Nothing is lost silently: what a child drops or cuts it counts, and tells MAIN with the next datagram that goes through.
Only the counts of a child that dies before that are lost with it: nobody else can know them.
"""

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sized
from typing import Protocol

from celery_otel.relay_record import GarbageError, Record, decode
from celery_otel.relay_sender import CUT, DROPPED, PATIENCE, Sender

GARBAGE = "garbage"
"""Noted for a datagram that is not one of ours, or not whole."""
LOSSES = (DROPPED, CUT, GARBAGE)

BUFFER = 1 << 20
"""Bytes of send buffer that are asked for, used only while MAIN is busy; the kernel may allow less."""
MOST = 1_000
"""Datagrams that are read at once, and records that wait in a process without children."""

Noted = Callable[[str, int], None]
"""Called in MAIN with what was counted, one of `LOSSES` or what a child noted, and how many."""


class Outlet(Protocol):
    """What takes records to MAIN, as the process knows it that runs the tasks."""

    @property
    def untold(self) -> Sized:
        """What was counted and is not yet told; empty where there is nothing to tell."""

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Sends a record; tells whether it is on its way. If not patient, it neither waits nor counts as lost."""

    def writer_fileno(self) -> int | None:
        """What a subprocess may inherit to send, too; None if there is nothing."""

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know."""

    def tell(self) -> None:
        """Sends what was counted and not yet told, if there is room right now."""


class Carrier(Outlet, Protocol):
    """What carries records to MAIN, as MAIN knows it."""

    def fileno(self) -> int | None:
        """What to watch for records; None if there is nothing to watch."""

    def drain(self) -> list[Record]:
        """The records that have come."""

    def close(self) -> None:
        """Ends it."""


class Relay(Sender):
    """Carries records from the processes that are forked after it was made.

    Args:
        noted: Takes the counts, in MAIN, on the thread that drains.
        patience: The most that a send waits for room, in seconds.
    """

    def __init__(self, noted: Noted, patience: float = PATIENCE) -> None:
        self._noted = noted
        self._reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reader.settimeout(0)
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        super().__init__(writer, patience)
        self._buffer = bytearray(self._limit)
        self._lock = threading.Lock()
        self._main = os.getpid()

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
        self.untold: tuple[()] = ()
        self._records: deque[Record] = deque()

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Hands a record over, unless 1000 of them wait already."""
        if len(self._records) >= MOST:
            if patient:
                self._noted(DROPPED, 1)
            return False
        self._records.append(record)
        return True

    def note(self, what: str) -> None:
        """Counts something."""
        self._noted(what, 1)

    def tell(self) -> None:
        """Everything is told already."""

    def writer_fileno(self) -> int | None:
        """None: only this process sends."""
        return None

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
