"""Tells whether a process of this machine is gone, also when another one has got its process id since."""

import os
from collections.abc import Callable

import psutil


def watch(pid: int) -> Callable[[], bool]:
    """What tells whether the process that has this process id now is gone.

    One that has ended and that nobody has waited for yet is gone, too. Of one that cannot be asked, for want of
    permission, nobody can say that it is.
    """
    if pid == os.getpid():
        return _never
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return _always
    except psutil.Error:
        return _never

    def is_gone() -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False

    return is_gone


def _never() -> bool:
    return False


def _always() -> bool:
    return True
