"""Ctrl-C, SIGTERM and SIGHUP end the demo in good order, wherever they meet it."""

import signal

from celery_otel_pipeline.held_signals import ENDING_SIGNALS


def raise_at_signals() -> None:
    """Let the first signal that ends a process raise KeyboardInterrupt, and ignore those that follow."""
    for number in ENDING_SIGNALS:
        signal.signal(number, _interrupt)


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is the KeyboardInterrupt of a signal, or what somebody else's code has made of it.

    Until 3.12 Python itself makes a RuntimeError of what meets a `__set_name__`: the demo loads Celery's backend and
    transport while it runs, and with them classes whose fields have such a method.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _interrupt(signum: int, frame: object) -> None:  # noqa: ARG001 - what signal.signal calls
    # A second Ctrl-C in the middle of the end would leave processes behind.
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
