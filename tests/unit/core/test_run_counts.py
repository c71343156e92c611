"""A run adds to exactly the series that are its own."""

from dataclasses import replace

import pytest

from celery_otel import names
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import Ledger
from celery_otel.core.run import RunRecord
from celery_otel.metric import Distribution, Labels, Metric

TRAINED = RunRecord("1" * 32, "training", "forest", 10, 1000.0, 2.0, "success", 150, 4)
TUNED = RunRecord("2" * 32, "tuning", "grid", 10, 1000.0, 3.0, "success", iterations=6, best_score=0.9)


@pytest.fixture
def ledger() -> Ledger:
    """A ledger that lets two model types, and two methods, become labels."""
    return Ledger(Counts((1.0, 10.0), 10, 2), worker="w@host")


def samples(ledger: Ledger, metric: Metric) -> dict[Labels, tuple[int, float]]:
    """How many samples the series of a histogram have, and their sum."""
    found = ledger.read()[metric]
    return {
        labels: (sum(value.counts), value.total) for labels, value in found.items() if isinstance(value, Distribution)
    }


def test_nothing_is_there_before_a_run(ledger: Ledger) -> None:
    """A worker that trains nothing has no series of it."""
    own = ("celery.training.", "celery.tuning.")
    assert {} == {
        metric.name: found for metric, found in ledger.read().items() if found and metric.name.startswith(own)
    }


def test_a_run_that_begins_makes_its_counters_read_0(ledger: Ledger) -> None:
    """So that the first failure of a model type is seen as an increase."""
    ledger.begin_run(TRAINED)
    ledger.begin_run(TUNED)
    found = ledger.read()
    assert {("forest", "success"): 0, ("forest", "failure"): 0} == found[names.TRAINING_RUNS]
    assert {("forest",): 0} == found[names.TRAINING_MODELS]
    assert {("grid", "success"): 0, ("grid", "failure"): 0} == found[names.TUNING_RUNS]


def test_a_training_adds_its_figures(ledger: Ledger) -> None:
    """One that succeeds is a model; one that fails is none. What is not known is in no histogram."""
    ledger.end_run(TRAINED)
    ledger.end_run(replace(TRAINED, result="failure", samples=None, features=None, seconds=20.0))
    found = ledger.read()
    assert {("forest", "success"): 1, ("forest", "failure"): 1} == found[names.TRAINING_RUNS]
    assert {("forest",): 1} == found[names.TRAINING_MODELS]
    durations = {("forest", "success"): (1, 2.0), ("forest", "failure"): (1, 20.0)}
    assert durations == samples(ledger, names.TRAINING_DURATION)
    assert {("forest", "success"): (1, 150.0)} == samples(ledger, names.TRAINING_SAMPLES)
    assert {("forest", "success"): (1, 4.0)} == samples(ledger, names.TRAINING_FEATURES)


def test_a_tuning_adds_its_figures(ledger: Ledger) -> None:
    """The best score is that of the last search that has one, however the search ended."""
    ledger.end_run(TUNED)
    ledger.end_run(replace(TUNED, result="failure", iterations=2, best_score=0.25))
    ledger.end_run(replace(TUNED, iterations=0, best_score=None))
    found = ledger.read()
    assert {("grid", "success"): 2, ("grid", "failure"): 1} == found[names.TUNING_RUNS]
    assert {("grid", "success"): (2, 6.0), ("grid", "failure"): (1, 2.0)} == samples(ledger, names.TUNING_ITERATIONS)
    assert {("grid", "success"): (2, 6.0), ("grid", "failure"): (1, 3.0)} == samples(ledger, names.TUNING_DURATION)
    assert {("grid",): 0.25} == found[names.TUNING_BEST_SCORE]


def test_model_types_and_methods_are_bounded(ledger: Ledger) -> None:
    """Beyond the limit they share a label, each kind by itself, and what overflowed is counted."""
    for label in ("a", "b", "c"):
        ledger.end_run(replace(TRAINED, label=label))
        ledger.end_run(replace(TUNED, label=label))
    found = ledger.read()
    assert {("a",), ("b",), ("_OTHER",)} == set(found[names.TRAINING_MODELS])
    assert {("a",), ("b",), ("_OTHER",)} == set(found[names.TUNING_BEST_SCORE])
    overflow = found[names.CELERY_OTEL_LABEL_OVERFLOW]
    assert (1, 1) == (overflow["model_type",], overflow["method",])


def test_sizes_have_buckets_of_their_own(ledger: Ledger) -> None:
    """Samples, features and iterations are no seconds; durations have the buckets of the settings."""
    ledger.end_run(TRAINED)
    found = ledger.read()
    size, duration = (
        found[metric]["forest", "success"] for metric in (names.TRAINING_SAMPLES, names.TRAINING_DURATION)
    )
    assert isinstance(size, Distribution)
    assert isinstance(duration, Distribution)
    assert names.TRAINING_SAMPLES.bounds == size.bounds
    assert (1.0, 10.0) == duration.bounds
