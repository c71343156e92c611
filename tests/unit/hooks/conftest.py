"""Beats for the tests of what watches them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.hooks.beats import Beat, Make


@pytest.fixture
def beat() -> Iterator[Make]:
    """Makes beats, which are taken apart at the end of the test."""
    made: list[Beat] = []

    def make(*args: Any, **kwargs: Any) -> Beat:
        made.append(Beat(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.telemetry.close()
        one.app.close()
