"""The plain numbers behind the series."""

from celery_otel.core.tables import CounterTable, DistributionTable, WindowCounter
from celery_otel.metric import Distribution


def test_a_counter_adds_by_labels() -> None:
    """Each set of label values has its own count; an amount of 0 makes it exist."""
    table = CounterTable()
    table.add("a", "success")
    table.add("a", "success", amount=2)
    table.add("b", "success", amount=0)
    assert {("a", "success"): 3, ("b", "success"): 0} == table


def test_a_bound_belongs_to_its_bucket() -> None:
    """A value equal to a bound is in that bucket, as Prometheus has it; one above all bounds is in the last."""
    table = DistributionTable((1.0, 5.0))
    for value in (0.5, 1.0, 5.0, 5.1):
        table.record(value, "a")
    assert {("a",): Distribution((1.0, 5.0), (2, 1, 1), 11.6)} == table.read()


def test_a_reading_does_not_change_any_more() -> None:
    """What was read stays as it was when more is recorded."""
    table = DistributionTable((1.0,))
    table.record(0.5, "a")
    read = table.read()
    table.record(0.5, "a")
    assert {("a",): Distribution((1.0,), (1, 0), 0.5)} == read


def test_a_window_forgets_what_is_older() -> None:
    """An event counts for as many seconds as the window is long."""
    window = WindowCounter(60)
    for now in (100.0, 100.9, 130.0):
        window.add(now)
    assert [3, 3, 1, 1, 0] == [window.count(now) for now in (130.0, 159.9, 160.0, 189.0, 190.0)]
