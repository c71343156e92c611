"""How often an address has shown a wrong token: who guesses has to wait."""

import math
import time
from collections.abc import Callable
from ipaddress import ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from celery_otel_api.problems import ProblemError

_IPV6_PREFIX = 64


class FailedAttempts:
    """Counts wrong tokens by the caller's address.

    Args:
        per_minute: How many are borne.
        wall: Gives the Unix time.
    """

    def __init__(self, per_minute: int, wall: Callable[[], float] = time.time) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._wall = wall

    def check(self, address: str) -> None:
        """Lets go on whose wrong token is to be answered as one.

        Raises:
            ProblemError: 429, for the rest of the minute.
        """
        place = _place(address)
        if self._limiter.test(self._limit, place):
            return
        wait = self._limiter.get_window_stats(self._limit, place).reset_time - self._wall()
        seconds = max(1, math.ceil(wait))
        raise ProblemError(
            429,
            "too-many-failures",
            "Too many wrong tokens",
            "Your address has shown too many wrong tokens, of which this is one. Show a valid one, which is taken at "
            f"once: others are refused like this for {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )

    def add(self, address: str) -> None:
        """Notes a wrong token."""
        self._limiter.hit(self._limit, _place(address))


def _place(address: str) -> str:
    """The address, of IPv6 the network: a customer has 2**64 of those addresses."""
    try:
        return str(ip_network(f"{address.partition('%')[0]}/{_IPV6_PREFIX}", strict=False))
    except ValueError:
        return address
