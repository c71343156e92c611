"""Whatever cannot be encoded is counted, and the attempt keeps its span where that can be."""

from collections import deque
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import SUCCESS
from celery_otel.core.span import Attributes, SpanIdentity
from celery_otel.failures import FailureLog
from celery_otel.settings import Settings
from celery_otel.telemetry.span_pipeline import SpanPipeline

READ = (names.CELERY_OTEL_SPANS_EXPORTED, names.CELERY_OTEL_SPANS_DROPPED, names.CELERY_OTEL_SPANS_WAITING)


class Desk:
    """A pipeline that is never started, and what comes from children."""

    def __init__(self) -> None:
        self.sent: deque[dict[str, Any]] = deque()
        settings, log = Settings.read({}), FailureLog()
        self.pipeline = SpanPipeline(settings, "shop", log, "w@host", self._shape, self._drain, lambda _: None)
        self.broken = False

    def _shape(self, task: str, _: str) -> tuple[str, Attributes]:
        if self.broken:
            raise RuntimeError("broken")
        return f"process {task}", {}

    def _drain(self) -> list[dict[str, Any]]:
        found = list(self.sent)
        self.sent.clear()
        return found

    def end(self) -> None:
        """An attempt ends."""
        attempt = Attempt.described("shop.order", "orders", ("1", "0", "0"), 1.0)
        attempt.span, attempt.started_at = SpanIdentity(1, 2), 1.0
        self.pipeline.recorder.ended(attempt, SUCCESS, 2.0)
        self.pipeline.recorder.complete()

    @property
    def read(self) -> list[float]:
        """Exported, dropped and waiting."""
        found = self.pipeline.read()
        return [float(str(found[metric][()])) for metric in READ]


@pytest.fixture
def desk() -> Desk:
    """A pipeline."""
    return Desk()


def test_a_span_waits_for_its_export(desk: Desk) -> None:
    """An attempt that has ended has one span, which waits."""
    desk.end()
    assert [0, 0, 1] == desk.read


@pytest.mark.parametrize(
    "said", [{"links": [{"traceparent": "nonsense"}]}, {"attributes": 5}, {"status": {"code": "NONE"}}]
)
def test_nonsense_of_a_child_costs_what_it_says(
    desk: Desk, said: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What a child says and cannot be encoded is left out and told of; the attempt's span is there."""
    desk.sent.append({"span": f"{2:016x}", **said})
    desk.end()
    assert [0, 0, 1] == desk.read
    assert "celery-otel leaves out what a task set on its span" in caplog.text


def test_a_span_that_cannot_be_encoded_is_dropped(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted as dropped, and told of."""
    desk.broken = True
    desk.end()
    assert [0, 1, 0] == desk.read
    assert "celery-otel drops a span" in caplog.text


def test_the_spans_of_others_go_the_same_way(desk: Desk) -> None:
    """A span that other code has made in MAIN waits too; one that cannot be encoded is dropped."""
    desk.pipeline.take(ReadableSpan("fine", SpanContext(1, 2, is_remote=False)))
    desk.pipeline.take(ReadableSpan("half a pair: \ud800", SpanContext(1, 2, is_remote=False)))
    assert [0, 1, 1] == desk.read
