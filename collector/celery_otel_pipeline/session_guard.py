"""Ends a whole session of processes: when asked, or when the one who could ask has died.

Every server runs in a session of its own, and has one guard: this file run as a program, which holds a pipe from the
parent. The parent's word, or the end of the pipe (it comes even when the parent is SIGKILLed), makes the guard kill
every process of the session. So nothing outlives its parent, pool children and other grandchildren included, which
the kernel's parent-death signal would not reach.

It needs the standard library alone, so that Python starts it fast.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_PROC = Path("/proc")
_STATE, _SESSION = 0, 3
_PATIENCE = 10.0
_INTERVAL = 0.01


def session_members(session: int) -> list[int]:
    """Return the processes of a session, without those that are dead and only not yet waited for."""
    return [pid for pid in _pids() if _is_living_member(pid, session)]


def kill_session(session: int) -> None:
    """Kill every process of a session and return when none is left.

    Raises:
        TimeoutError: Something survived SIGKILL for 10 s.
    """
    end = time.monotonic() + _PATIENCE
    while members := session_members(session):
        if time.monotonic() > end:
            raise TimeoutError(f"processes {members} of session {session} survive SIGKILL: look at their state with ps")
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_INTERVAL)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _is_living_member(pid: int, session: int) -> bool:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    # The program's name, in parentheses, may contain anything: the fields are counted from behind it.
    fields = stat.rpartition(")")[2].split()
    return int(fields[_SESSION]) == session and fields[_STATE] not in {"Z", "X"}


def main(stdin: TextIO) -> None:
    """Read the session's number, wait for the second line or the end of the pipe, and kill the session."""
    first = stdin.readline()
    if not first:
        return
    stdin.readline()
    kill_session(int(first))


if __name__ == "__main__":
    main(sys.stdin)
