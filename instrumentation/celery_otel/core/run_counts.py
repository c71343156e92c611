"""What is counted of runs of training and tuning: which number goes where."""

from collections.abc import Mapping

from celery_otel import names
from celery_otel.core.labels import BoundedLabel
from celery_otel.core.run import FAILURE, RESULTS, SUCCESS, TRAINING, RunRecord
from celery_otel.core.tables import CounterTable, DistributionTable
from celery_otel.metric import Metric


class RunCounts:
    """The numbers of one worker's runs. Not thread-safe by itself, as `Counts`.

    Args:
        counters: The table of each counter.
        histograms: The table of each histogram.
        model_type: Bounds the model types.
        method: Bounds the tuning methods.

    Attributes:
        best_scores: The best score of the last search of each method that ended with one.
    """

    def __init__(
        self,
        counters: Mapping[Metric, CounterTable],
        histograms: Mapping[Metric, DistributionTable],
        model_type: BoundedLabel,
        method: BoundedLabel,
    ) -> None:
        self._counters = counters
        self._histograms = histograms
        self._model_type = model_type
        self._method = method
        self.best_scores: dict[tuple[str, ...], float] = {}

    def begun(self, run: RunRecord) -> None:
        """A run has begun: the counters that it may add to exist, so that an increase is seen."""
        if run.kind == TRAINING:
            label = self._model_type(run.label)
            self._counters[names.TRAINING_MODELS].add(label, amount=0)
            self._declare(names.TRAINING_RUNS, label)
            return
        self._declare(names.TUNING_RUNS, self._method(run.label))

    def ended(self, run: RunRecord) -> None:
        """A run has ended."""
        if run.kind == TRAINING:
            self._trained(run, self._model_type(run.label), run.result or FAILURE)
        else:
            self._tuned(run, self._method(run.label), run.result or FAILURE)

    def _declare(self, metric: Metric, label: str) -> None:
        for result in RESULTS:
            self._counters[metric].add(label, result, amount=0)

    def _trained(self, run: RunRecord, model_type: str, result: str) -> None:
        self._counters[names.TRAINING_RUNS].add(model_type, result)
        self._counters[names.TRAINING_MODELS].add(model_type, amount=int(result == SUCCESS))
        self._record(names.TRAINING_DURATION, run.seconds, model_type, result)
        self._record(names.TRAINING_SAMPLES, run.samples, model_type, result)
        self._record(names.TRAINING_FEATURES, run.features, model_type, result)

    def _tuned(self, run: RunRecord, method: str, result: str) -> None:
        self._counters[names.TUNING_RUNS].add(method, result)
        self._record(names.TUNING_DURATION, run.seconds, method, result)
        self._record(names.TUNING_ITERATIONS, run.iterations, method, result)
        if run.best_score is not None:
            self.best_scores[method,] = run.best_score

    def _record(self, metric: Metric, value: float | None, *labels: str) -> None:
        if value is not None:
            self._histograms[metric].record(value, *labels)
