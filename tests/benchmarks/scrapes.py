"""What one scrape of a monitor's page costs: time, and commands to the broker."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.traffic import Traffic

SCRAPES = 3


@dataclass(frozen=True)
class Scrape:
    """One scrape.

    Attributes:
        seconds: How long it took, the median of some.
        commands: How many commands the broker got because of it.
    """

    seconds: float
    commands: float

    @classmethod
    def of(cls, page: Callable[[], object], broker: Callable[[], Traffic]) -> "Scrape":
        """Scrape a page some times, and then look for as long what the broker has to do without that.

        Args:
            page: Scrapes it.
            broker: What the broker has done until now.
        """
        before, start = broker(), time.monotonic()
        times = [_timed(page) for _ in range(SCRAPES)]
        scraped, took = broker(), time.monotonic() - start
        time.sleep(took)
        idle = broker() - scraped
        return cls(median(times), (scraped - before).commands / SCRAPES - idle.commands / SCRAPES)


def _timed(page: Callable[[], object]) -> float:
    start = time.monotonic()
    page()
    return time.monotonic() - start
