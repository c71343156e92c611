"""The state of one worker: taken up when it begins, kept while it runs, and removed when nobody needs it any more.

Whatever goes wrong with it costs the state and not the worker: it goes on as one without, and tries again at the next
export. Nothing is left on disk then that the next worker could take for the newest.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from celery_otel.core.clock import Clock
from celery_otel.core.run import FAILURE, RunRecord
from celery_otel.state.births import KeptBirths
from celery_otel.state.books import NotedTables, OpenAttempts, RememberedAttempts
from celery_otel.state.contents import FORMAT, About, Contents
from celery_otel.state.directory import StateDirectory, append
from celery_otel.state.errors import StateError
from celery_otel.state.journal import Journal, encoded

DUE = 1 << 20
"""Bytes of a log that are worth a new snapshot, at an export."""
TOO_LONG = 16 << 20
"""Bytes of a log beyond which nobody waits for an export: also where nobody scrapes, the disk stays as it is."""
SOON = 120.0
"""Seconds within which a worker goes on from one that has ended with all delivered: as long as the collector shows its
series. What it had exported last may not have been scraped, and a series that begins at 0 then would hide it."""
_MEANWHILE = "Until it can, a SIGKILL loses what was counted since the last export."
_AT_THE_END = "The next worker of this name begins anew."
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class State:
    """The state of one worker.

    Args:
        directory: Where it is kept.
        about: Whose it is.
        clock: Where the time comes from.

    Attributes:
        journal: The lock of the ledger.
        tables: Makes the tables of its counts.
        open: Its open attempts: before `begin` those that the worker before had when it was killed.
        ended: Those that it remembers.
        births: When its series began.
        complain: Takes what went wrong, as a sentence or two; replaced when there is somebody to tell.
        complaints: What went wrong before that.
    """

    def __init__(self, directory: StateDirectory, about: About, clock: Clock) -> None:
        self.complaints: list[str] = []
        self.complain: Callable[[str], None] = self.complaints.append
        self._directory = directory
        self._wall = clock.wall
        self._about = about
        self._pid = os.getpid()
        self._log: int | None = None
        self._size = self._snapshot_size = 0
        self._broken = self._ending = self._closed = False
        self._tending = threading.Lock()
        before = self._taken_up()
        self._generation = directory.newest()
        self._died_at = directory.written_at()
        self._runs = {} if before is None else before.runs
        self.journal = Journal(self._append)
        self.tables = NotedTables(self.journal, before)
        self.open = OpenAttempts(self.journal, () if before is None else before.open.values())
        self.ended = RememberedAttempts(self.journal, () if before is None else before.ended)
        self.births = KeptBirths(self.journal, before, self._is_whole)

    def begin(self) -> None:
        """Begins to keep the state: everything until here, and every change from now on."""
        self._rotate()

    def left_runs(self) -> Iterator[RunRecord]:
        """The runs that the worker before had open when it was killed: they have failed, at the latest then."""
        for told in list(self._runs.values()):
            try:
                run = RunRecord.read(told)
            except ValueError:
                self.over(str(told.get("id")))
                continue
            yield replace(run, seconds=max(0.0, self._died_at - run.began), result=FAILURE)

    def begun(self, run: RunRecord) -> None:
        """A run of training or tuning has begun. To be called under the lock."""
        self._runs[run.id] = run.told()
        self.journal.begun(run.told())

    def over(self, run: str) -> None:
        """The run of this id has ended. To be called under the lock."""
        self._runs.pop(run, None)
        self.journal.over(run)

    def tend(self) -> None:
        """Writes a new snapshot if the log has become long, or could not be written. Called with every export."""
        if self._closed or not self._tending.acquire(blocking=False):
            return
        try:
            if self._log is None or self._size >= max(DUE, self._snapshot_size):
                self._rotate()
        finally:
            self._tending.release()

    def close(self, *, delivered: bool) -> None:
        """The worker has ended in good order.

        Args:
            delivered: Everyone whom it pushes its metrics to has all of them: only who comes soon goes on from them.
        """
        with self.journal:
            self._ending = True
            self.journal.flush()
            self._closed = True
            try:
                self._close_up(self._next_generation(), delivered=delivered)
            except OSError as error:
                # Else the next worker finds what a SIGKILL would have left it: all of it.
                if not self._is_whole():
                    self._give_up(error)
            self._stop_writing()
        self._directory.close()

    def _taken_up(self) -> Contents | None:
        """What the worker before has left, if it can be gone on from."""
        try:
            before = self._directory.read()
            if before is None or self._is_over(before):
                return None
            self._check(before)
        except Exception as error:  # noqa: BLE001  # whatever is in these files, the worker begins anew
            self.complain(
                f"celery-otel does not go on from the counts in {self._directory}: {error}. This worker's begin anew, "
                "and replace them."
            )
            return None
        return before

    def _is_whole(self) -> bool:
        """Whether all that has been counted is on disk, as far as a worker that is killed now would leave it there."""
        return self._log is not None and not self._broken

    def _is_over(self, before: Contents) -> bool:
        """Whether its series have ended everywhere, with all that they had to say."""
        return before.closed and before.delivered and self._wall() - self._directory.written_at() > SOON

    def _check(self, before: Contents) -> None:
        told = self._about.told()
        if before.about != told:
            differing = ", ".join(name for name in told if before.about.get(name) != told[name])
            raise StateError(f"they are of another kind (other {differing})")
        if not before.boot or before.boot != boot():
            raise StateError("the machine has been started since, and the last of them may not have reached its disk")

    def _append(self, line: bytes) -> None:
        # A child has no business here, whatever it has inherited.
        if self._log is None or os.getpid() != self._pid:
            return
        try:
            append(self._log, line)
        except OSError as error:
            self._fail(error)
            return
        self._size += len(line)
        if self._size >= TOO_LONG:
            self._rotate()

    def _rotate(self) -> None:
        try:
            with self.journal:
                if self._closed:
                    return
                self.journal.flush()
                generation = self._next_generation()
                descriptor = self._directory.begin_log(generation)
                before, self._log, self._size = self._log, descriptor, 0
                _close(before)
                copied = self._copied()
            snapshot = encoded(copied)
            self._directory.write_snapshot(generation, snapshot)
            with self.journal:
                self._install(generation, len(snapshot))
        except OSError as error:
            self._fail(error)

    def _install(self, generation: int, size: int) -> None:
        # If a line could not be written meanwhile, a snapshot without it would be too old; if the log has become too
        # long meanwhile, there is a newer one.
        if not self._closed and self._log is not None and generation == self._generation:
            self._directory.install(generation)
            self._snapshot_size, self._broken = size, False

    def _close_up(self, generation: int, *, delivered: bool) -> None:
        copied = {**self._copied(), "closed": True, "delivered": delivered}
        self._directory.write_snapshot(generation, encoded(copied))
        self._directory.install(generation)

    def _next_generation(self) -> int:
        self._generation += 1
        return self._generation

    def _copied(self) -> dict[str, Any]:
        """What a snapshot says: a copy, so that it can be encoded without the lock."""
        return {
            "format": FORMAT,
            "about": self._about.told(),
            "boot": boot(),
            "closed": False,
            "delivered": False,
            "series": self.tables.told(),
            "queues": dict(self.tables.last_received),
            "open": self.open.told(),
            "ended": self.ended.told(),
            "births": self.births.told(),
            "runs": list(self._runs.values()),
        }

    def _fail(self, error: OSError) -> None:
        with self.journal:
            if not self._closed:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """The state is lost: what is on disk is old, and would be counted twice."""
        self._stop_writing()
        kept = self._removed()
        if self._broken and not self._closed:
            return
        self._broken = True
        self.complain(
            f"celery-otel cannot keep the counts in {self._directory}: {error.strerror or error}. Is the disk full? "
            f"{kept or self._cost()}"
        )

    def _removed(self) -> str:
        """Removes what is on disk; what is to be done if that cannot be."""
        try:
            self._directory.remove()
        except OSError as error:
            return f"Remove the files there: they are old, and cannot be removed from here ({error.strerror})."
        return ""

    def _cost(self) -> str:
        return _AT_THE_END if self._ending else _MEANWHILE

    def _stop_writing(self) -> None:
        before, self._log = self._log, None
        _close(before)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def boot() -> str:
    """The boot of this machine; empty where it cannot be told."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
