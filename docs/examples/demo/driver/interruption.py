"""Ctrl-C, SIGTERM and SIGHUP end the demo in good order, wherever they meet it."""

import signal

from celery_otel_pipeline.held_signals import ENDING_SIGNALS


class Interruption:
    """Raises KeyboardInterrupt when the first signal comes that ends a process, and ignores those that follow.

    Python only prints what is raised while an object is finalized or a weak reference dies, and each import lets some
    die. So `check` is called before each start of a server, and at each look at the servers.
    """

    def __init__(self) -> None:
        self._came = False

    def install(self) -> None:
        """Take the signals."""
        for number in ENDING_SIGNALS:
            signal.signal(number, self._interrupt)

    def check(self) -> None:
        """Raise for a signal that has come.

        Raises:
            KeyboardInterrupt: One has, and the demo goes on all the same.
        """
        if self._came:
            raise KeyboardInterrupt

    def _interrupt(self, signum: int, frame: object) -> None:  # noqa: ARG002 - what signal.signal calls
        self._came = True
        # A second Ctrl-C in the middle of the end would leave processes behind.
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is the KeyboardInterrupt of a signal, or what other code has made of it.

    Until 3.12 Python itself makes a RuntimeError of what meets a `__set_name__`: the demo loads Celery's backend and
    transport while it runs, and with them classes whose fields have such a method.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None
