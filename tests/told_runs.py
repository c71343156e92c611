"""Runs that a task tells its worker of, record by record: what `celery_otel.training` and `celery_otel.tuning` do."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from celery_otel.core.run import Kind, Result, RunRecord
from celery_otel.workplace import Workplace, workplace


class ToldRun:
    """One run.

    Args:
        kind: Training or tuning.
        label: The model type, or the method.
        known: What is known of the record's other fields.
    """

    def __init__(self, kind: Kind, label: str, **known: Any) -> None:
        place = workplace()
        if place is None:
            raise RuntimeError("no way to a worker")
        self._place: Workplace = place
        self._attribute = f"celery.{kind}.{'model_type' if kind == 'training' else 'method'}"
        self._record = RunRecord.begun(kind, label, time.time(), **known)
        self._start = time.monotonic()

    def begin(self) -> None:
        """Tells that it begins."""
        self.tell({self._attribute: self._record.label})

    def iteration(self, score: float) -> None:
        """Tells of an iteration; the largest score is the best."""
        best = self._record.best_score
        self._record = replace(
            self._record,
            iterations=(self._record.iterations or 0) + 1,
            best_score=score if best is None else max(best, score),
        )
        self.tell({}, patient=False)

    def end(self, result: Result) -> None:
        """Tells that it has ended."""
        self._record = replace(self._record, seconds=time.monotonic() - self._start, result=result)
        self.tell({f"{self._attribute.rpartition('.')[0]}.result": result})

    def tell(self, attributes: dict[str, Any], *, patient: bool = True) -> None:
        """Sends what is known by now, and sets attributes on the task's span."""
        if self._place.span is not None:
            self._place.span.set_attributes(attributes)
        self._place.send({"run": self._record.told(), "attributes": attributes}, patient=patient)


@contextmanager
def told_run(kind: Kind, label: str, **known: Any) -> Iterator[ToldRun]:
    """Has a run while a block lasts; an exception makes it a failure."""
    run = ToldRun(kind, label, **known)
    run.begin()
    try:
        yield run
    except BaseException:
        run.end("failure")
        raise
    run.end("success")
