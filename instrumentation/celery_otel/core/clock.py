"""The two clocks a measurement needs, passed in so that tests can hold the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the time comes from.

    Attributes:
        wall: Seconds since the Unix epoch: for moments that other processes know too.
        monotonic: Seconds that never jump: for lengths of time inside this process.
    """

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


SYSTEM_CLOCK = Clock()
