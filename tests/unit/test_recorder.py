"""When the spans of ended attempts are made."""

from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import SUCCESS
from celery_otel.core.span import FinishedSpan, SpanIdentity
from celery_otel.failures import FailureLog
from celery_otel.metric import Labels, Metric, Value
from celery_otel.names import CELERY_OTEL_SPANS_DROPPED, CELERY_OTEL_SPANS_WAITING
from celery_otel.recorder import MANY, Said, SpanRecorder
from celery_otel.settings import Settings
from celery_otel.telemetry.span_pipeline import SpanPipeline


def ended(span_id: int) -> Attempt:
    """An attempt that ran from 1 to 2."""
    attempt = Attempt("shop.pay", "celery", (str(span_id), "0", "0"), 0.5)
    attempt.started_at = 1.0
    attempt.span = SpanIdentity(1, span_id)
    return attempt


def test_spans_are_made_when_many_attempts_have_ended() -> None:
    """Fewer wait for more, or for the next export."""
    made: list[FinishedSpan] = []
    recorder = SpanRecorder(made.append, list)
    for number in range(1, MANY):
        recorder.ended(ended(number), SUCCESS, 2.0)
        recorder.complete_many()
    assert [] == made
    recorder.ended(ended(MANY), SUCCESS, 2.0)
    recorder.complete_many()
    assert list(range(1, MANY + 1)) == [span.identity.span_id for span in made]


def test_what_children_send_is_read_before_their_attempts_end() -> None:
    """It waits for its span here, and not in the buffer that all children share."""
    made: list[FinishedSpan] = []
    sent: list[Said] = [{"span": f"{7:016x}", "attributes": {"user": 1}}]
    recorder = SpanRecorder(made.append, lambda: [sent.pop() for _ in list(sent)])
    recorder.collect()
    assert [] == sent
    recorder.ended(ended(7), SUCCESS, 2.0)
    recorder.complete()
    assert [{"user": 1}] == [span.said["attributes"] for span in made]


def test_a_span_that_cannot_be_encoded_costs_no_other() -> None:
    """What a user has put on it that no span can hold is logged, and its span counted as dropped."""
    said: list[Said] = [{"span": f"{1:016x}", "events": [{"name": object(), "time": 0}]}]
    pipeline = SpanPipeline(
        Settings.read({}), "shop", FailureLog(), "w@h", lambda task, _: (task, {}), lambda: said, lambda _: None
    )
    for number in (1, 2):
        pipeline.recorder.ended(ended(number), SUCCESS, 2.0)
    pipeline.recorder.complete()
    read: dict[Metric, dict[Labels, Value]] = pipeline.read()
    assert ({(): 1}, {(): 1}) == (read[CELERY_OTEL_SPANS_DROPPED], read[CELERY_OTEL_SPANS_WAITING])
