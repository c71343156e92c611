"""Which way records go where tasks run in MAIN itself: a plain call, and a socket for the subprocesses of tasks."""

import os
from collections.abc import Callable

from celery_otel.relay import DirectRelay, Relay
from celery_otel.relay_record import Record


class LocalOutlet:
    """Takes the records of tasks that run in MAIN.

    Args:
        direct: Keeps records until they are drained.
        relay: Carries those of processes that a task forks or starts.
        take: Takes the run out of a record that has one; gives the rest, which may be empty.
    """

    def __init__(self, direct: DirectRelay, relay: Relay, take: Callable[[Record], Record]) -> None:
        self._direct = direct
        self._relay = relay
        self._take = take
        # Only a subprocess of a task has something there: here everything is told at once.
        self.untold = relay.untold
        self._pid = os.getpid()

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Sends a record; tells whether it is on its way. If not patient, it neither waits nor counts as lost."""
        if os.getpid() != self._pid:
            return self._relay.send(record, patient=patient)
        if "run" not in record:
            return self._direct.send(record, patient=patient)
        # The rest is on the task's span, which says it all when the task ends: nobody is killed here before that.
        self._take(record)
        return True

    def writer_fileno(self) -> int | None:
        """The file descriptor that a subprocess may inherit to send, too."""
        return self._relay.writer_fileno()

    def note(self, what: str) -> None:
        """Counts something that MAIN shall know."""
        (self._direct if os.getpid() == self._pid else self._relay).note(what)

    def tell(self) -> None:
        """Sends what was counted and not yet told, if there is room right now."""
        if os.getpid() != self._pid:
            self._relay.tell()

    def pump(self) -> None:
        """Takes what subprocesses have sent."""
        for record in self._relay.drain():
            if rest := self._take(record):
                self._direct.send(rest)

    def close(self) -> None:
        """Ends the way of subprocesses."""
        self._relay.close()
