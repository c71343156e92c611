"""What is connected to Celery's signals, without what another test has dropped and nobody has collected yet."""

import gc
import weakref
from collections.abc import Sequence
from typing import Any

from celery.utils.dispatch import Signal


def live_receivers(signals: Sequence[Signal]) -> list[list[Any]]:
    """The receivers that would be called, by signal; each a pair of Celery's key and the receiver."""
    # A signal drops a dead receiver whenever somebody connects or sends: counted, it would be missing then.
    gc.collect()
    return [[pair for pair in signal.receivers if _lives(pair[1])] for signal in signals]


def _lives(receiver: Any) -> bool:
    return not isinstance(receiver, weakref.ReferenceType) or receiver() is not None
