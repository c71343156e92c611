"""What another process has taken is added, unless it is nothing that one takes."""

import math

import pytest

from celery_otel.core.latencies import Latencies

BOUNDS = (1.0, 2.0)


def test_what_one_has_taken_another_adds() -> None:
    """Sums and numbers, operation by operation."""
    child, main = Latencies(BOUNDS), Latencies(BOUNDS)
    child.record("store", 0.5)
    child.record("store", 5.0)
    main.record("store", 1.5)
    main.add(child.take())
    found = main.read()["store",]
    assert ((1, 1, 1), 7.0) == (found.counts, found.total)
    assert {} == child.read()


@pytest.mark.parametrize(
    "samples",
    [
        None,
        [],
        {"store": None},
        {"store": []},
        {"store": [1.0, 1, 0]},
        {"store": [1.0, -1, 0, 0]},
        {"store": [-1.0, 0, 0, 0]},
        {"store": [math.nan, 0, 0, 1]},
        {"store": [math.inf, 0, 0, 1]},
        {"store": [1.0, math.inf, 0, 0]},
        {"store": [1.0, 10**30, 0, 0]},
        {"store": ["1", 0, 0, 0]},
    ],
    ids=repr,
)
def test_what_nobody_takes_changes_nothing(samples: object) -> None:
    """Not even a part of it: a number that is none would stay in the sum for good."""
    main = Latencies(BOUNDS)
    with pytest.raises(ValueError, match=r"not samples|argument"):
        main.add(samples)
    assert not main.read()
