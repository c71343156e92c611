"""A process that a test forks, and that never comes back into the tests, whatever happens to it."""

import os
import traceback
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Does some work in a forked process, which leaves with 0, or 1 if the work gave False or raised something.

    Returns:
        The process id. Whoever calls waits for the end.
    """
    pid = os.fork()
    if pid == 0:
        _work_and_leave(work)
    return pid


def exit_status_of(work: Callable[[], object]) -> int:
    """Does some work in a forked process, waits for its end, and gives the status with which it has left."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])


def _work_and_leave(work: Callable[[], object]) -> None:
    status = 1
    try:
        status = int(work() is False)
    except BaseException:  # noqa: BLE001 - the status tells it
        traceback.print_exc()
    finally:
        os._exit(status)
