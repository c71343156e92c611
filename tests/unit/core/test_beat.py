"""What is counted of one beat."""

import pytest

from celery_otel import names
from celery_otel.core.beat import BeatCounts
from celery_otel.core.clock import Clock
from celery_otel.metric import Labels, Metric, Value


@pytest.fixture
def counts() -> BeatCounts:
    """The counts of a beat at 1000."""
    return BeatCounts(2, Clock(wall=lambda: 1000.0))


def fires(counts: BeatCounts) -> dict[Labels, Value]:
    """When each entry was last fired."""
    return counts.read()[names.BEAT_ENTRY_LAST_FIRE_TIMESTAMP]


def missed(counts: BeatCounts) -> dict[Labels, Value]:
    """How many runs of each entry were missed."""
    return counts.read()[names.BEAT_MISSED]


def test_a_tick_is_a_moment(counts: BeatCounts) -> None:
    """Before the first tick there is no time of it."""
    assert names.BEAT_LAST_TICK_TIMESTAMP not in counts.read()
    counts.ticked()
    assert {(): 1000.0} == counts.read()[names.BEAT_LAST_TICK_TIMESTAMP]


def test_an_entry_reads_zero_and_what_the_schedule_remembers(counts: BeatCounts) -> None:
    """Each entry has its counter from the start, and its last fire if it has one."""
    counts.replace_entries({"a": 900.0, "b": None})
    assert {("a",): 0, ("b",): 0} == missed(counts)
    assert {("a",): 900.0} == fires(counts)


def test_what_was_seen_wins_over_what_the_schedule_remembers(counts: BeatCounts) -> None:
    """The schedule is asked once: it was saved a while ago, or remembers a run that was not sent."""
    counts.replace_entries({"a": 900.0, "b": 900.0})
    counts.fired("a", 950.0, missed=0)
    counts.replace_entries({"a": 900.0, "b": 990.0})
    assert {("a",): 950.0, ("b",): 900.0} == fires(counts)


def test_a_fire_counts_what_was_missed_before_it(counts: BeatCounts) -> None:
    """A late run adds those it stands for; a run that was not sent leaves the last fire as it was."""
    counts.fired("a", 950.0, missed=3)
    counts.missed("a", 2)
    assert {("a",): 5} == missed(counts)
    assert {("a",): 950.0} == fires(counts)


def test_a_removed_entry_has_no_last_fire_and_keeps_its_count(counts: BeatCounts) -> None:
    """Its gauge ends, its counter does not; if it comes back, it goes on."""
    counts.replace_entries({"a": 900.0, "b": 800.0})
    counts.fired("a", 950.0, missed=1)
    counts.replace_entries({"b": 800.0})
    assert {("b",): 800.0} == fires(counts)
    assert {("a",): 1, ("b",): 0} == missed(counts)
    counts.replace_entries({"a": None, "b": 800.0})
    counts.fired("a", 990.0, missed=1)
    assert {("a",): 2, ("b",): 0} == missed(counts)
    assert {("a",): 990.0, ("b",): 800.0} == fires(counts)


def test_entries_beyond_the_limit_share_a_label(counts: BeatCounts) -> None:
    """The newest fire stands for all of them, also when one of them is gone."""
    counts.replace_entries({"a": 900.0, "b": None, "c": 700.0, "d": 800.0})
    assert {("a",): 900.0, ("_OTHER",): 800.0} == fires(counts)
    assert {("a",): 0, ("b",): 0, ("_OTHER",): 0} == missed(counts)
    counts.replace_entries({"a": 900.0, "b": None, "d": 800.0})
    counts.missed("d", 4)
    assert {("a",): 900.0, ("_OTHER",): 800.0} == fires(counts)
    assert 4 == missed(counts)["_OTHER",]
    assert {("entry",): 2} == counts.read()[names.CELERY_OTEL_LABEL_OVERFLOW]


def test_a_beat_has_no_series_of_a_worker(counts: BeatCounts) -> None:
    """Beside beat's own there are only those about celery-otel itself."""
    counts.ticked()
    series = {metric.series for metric in counts.read() if not metric.series.startswith("celery_otel_")}
    assert {metric.series for metric in names.METRICS if metric.series.startswith("celery_beat_")} == series


def test_the_rest_is_counted(counts: BeatCounts) -> None:
    """What is not about an entry is counted under its labels."""
    metric: Metric = names.CELERY_OTEL_HOOK_ERRORS
    counts.count(metric, "tick", amount=0)
    counts.count(metric, "tick")
    assert {("tick",): 1} == counts.read()[metric]
