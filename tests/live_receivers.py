"""What is connected to Celery's signals, without what another test has dropped and nobody has collected yet."""

import weakref
from collections.abc import Sequence
from typing import Any

from celery.utils.dispatch import Signal


def live_receivers(signals: Sequence[Signal]) -> list[list[Any]]:
    """The receivers that would be called, by signal; each a pair of Celery's key and the receiver.

    To be compared with later ones only if everything that nobody holds has been collected before.
    """
    # A signal drops a dead receiver whenever somebody connects or sends: counted, it would be missing then.
    return [[pair for pair in signal.receivers if _lives(pair[1])] for signal in signals]


def _lives(receiver: Any) -> bool:
    return not isinstance(receiver, weakref.ReferenceType) or receiver() is not None
