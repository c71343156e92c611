"""Exact sums from raw samples."""

from itertools import accumulate, chain

from hypothesis import given
from hypothesis import strategies as st

from celery_otel_pipeline.ledger import counter_total
from celery_otel_pipeline.samples import Series


def series_of(*values: float) -> Series:
    """Return a series with these values, a second apart."""
    return Series({}, [(float(time), value) for time, value in enumerate(values)])


def test_nothing_counts_nothing() -> None:
    """No series, and a series without samples, sum to zero."""
    assert counter_total([]) == 0
    assert counter_total([series_of()]) == 0


def test_first_sample_counts_whole() -> None:
    """What was counted before the first sample is part of the total."""
    assert counter_total([series_of(7)]) == 7


def test_growth_is_counted_once() -> None:
    """Samples of the same value add nothing, and growth adds its difference."""
    assert counter_total([series_of(2, 2, 5, 5, 9)]) == 9


def test_value_after_a_drop_counts_whole() -> None:
    """A drop is a restart, after which the counter began at zero."""
    assert counter_total([series_of(5, 8, 3, 4)]) == 12


def test_ingested_zero_separates_lives_of_equal_or_higher_totals() -> None:
    """With the zero of the new life between them, a restart shows even where the total overtakes the old one."""
    assert counter_total([series_of(0, 5, 0, 5, 0, 11)]) == 21


def test_series_are_added() -> None:
    """Each series is summed by itself, then all together."""
    assert counter_total([series_of(1, 4), series_of(10, 2)]) == 16


lives = st.lists(st.lists(st.integers(min_value=0, max_value=50), min_size=1, max_size=8), max_size=6)


@given(lives)
def test_total_is_all_that_any_life_counted(increments: list[list[int]]) -> None:
    """Whatever counters counted in whatever number of lives, each beginning with a zero sample, comes out exactly."""
    samples = chain.from_iterable((0, *accumulate(life)) for life in increments)

    assert counter_total([series_of(*samples)]) == sum(chain.from_iterable(increments))
