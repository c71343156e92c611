"""Holds Ctrl-C back while something is done that must not be left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_signals_held() -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back until the end of the block, then let their handlers see what came.

    Only handlers written in Python are held: the default action and an ignored signal need no Python code and leave
    nothing half done that our end would not undo. Outside the main thread nothing is to be held, since Python runs
    its handlers in the main thread alone. The mask of the thread is left alone, because a new process inherits it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in held:
        signal.signal(number, lambda signum, _: came.append(signum))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for signum in came:
            signal.raise_signal(signum)
