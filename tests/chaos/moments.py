"""Moments of a round, told by the exports that go by: what a busy machine delays, it delays alike."""

import random
import time
from collections.abc import Callable

from tests.acceptance.ledger.scene import Pipeline

Moment = Callable[[], bool]

#: Exports that go by before something happens, and those that come to nothing while it lasts.
BEFORE, DURING = (2, 30), (2, 8)


def later(pipeline: Pipeline, chance: random.Random) -> Moment:
    """When some exports have been tried."""
    return _after(pipeline, chance.randint(*BEFORE))


def unseen(pipeline: Pipeline, chance: random.Random) -> Moment:
    """When a few more exports have been tried, delivered or not."""
    return _after(pipeline, chance.randint(*DURING))


def unheard(pipeline: Pipeline, chance: random.Random) -> Moment:
    """When a few more exports have come to nothing."""
    number = pipeline.tap.lost + chance.randint(*DURING)
    return lambda: pipeline.tap.lost >= number


def scraped(pipeline: Pipeline) -> Moment:
    """When Prometheus has certainly seen what was exported until now: one of two scrapes began after it."""
    number = pipeline.scrapes() + 2
    return lambda: pipeline.scrapes() >= number


def passed(seconds: float) -> Moment:
    """When so many seconds have passed from now."""
    moment = time.monotonic() + seconds
    return lambda: time.monotonic() >= moment


def _after(pipeline: Pipeline, exports: int) -> Moment:
    moment = pipeline.tap.delivered + pipeline.tap.lost + exports
    return lambda: pipeline.tap.delivered + pipeline.tap.lost >= moment
