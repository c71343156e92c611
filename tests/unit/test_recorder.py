"""Every attempt that ends has one span, at its end's truth and with what its task said."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel import attributes, recorder
from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import Clock
from celery_otel.core.outcome import (
    CANCELLED,
    IGNORED,
    LOST,
    REJECTED,
    REQUEUED,
    SUCCESS,
    TERMINATED,
    TIMED_OUT,
    Outcome,
    ReturnCause,
    RevocationCause,
    Status,
)
from celery_otel.core.span import FinishedSpan, Raised, SpanIdentity
from celery_otel.message_headers import COUNTED, SHOWN
from celery_otel.recorder import MANY, PATIENCE, SpanRecorder, merged

RECEIVED, STARTED, ENDED = 1000.0, 1001.0, 1003.0


class Desk:
    """A recorder, what comes to it, and what it makes."""

    def __init__(self) -> None:
        self.spans: list[FinishedSpan] = []
        self.sent: list[dict[str, Any]] = []
        self.now = 0.0
        self.announced = 0
        self.recorder = SpanRecorder(
            self.spans.append, self._drain, Clock(monotonic=lambda: self.now), announce=self._announce
        )

    def _drain(self) -> Iterable[dict[str, Any]]:
        sent, self.sent = self.sent, []
        return sent

    def _announce(self) -> None:
        self.announced += 1

    def end(self, attempt: Attempt, outcome: Outcome) -> None:
        """An attempt ends."""
        self.recorder.ended(attempt, outcome, ENDED)
        self.recorder.complete()

    @property
    def span(self) -> FinishedSpan:
        """The only one."""
        (span,) = self.spans
        return span


@pytest.fixture
def desk() -> Desk:
    """A recorder."""
    return Desk()


def attempt(number: int = 1, *, started: bool = True, sampled: bool = True, **fields: float) -> Attempt:
    """An attempt whose span has this number for its id."""
    made = Attempt.described("shop.order", "orders", (str(number), "0", "0"), RECEIVED)
    for name, value in fields.items():
        setattr(made, name, value)
    made.span = SpanIdentity(1, number, sampled=sampled)
    made.started_at = STARTED if started else None
    return made


def record(number: int = 1, **said: Any) -> dict[str, Any]:
    """What the task of that attempt said."""
    return {"span": f"{number:016x}", **said}


def test_ends_that_are_only_written_down_are_noted_first(desk: Desk) -> None:
    """Whoever completes spans has the ledger's journal posted before."""
    ended = attempt()
    desk.recorder.post = lambda: desk.recorder.ended(ended, SUCCESS, ENDED)
    desk.recorder.complete()
    assert ended.span is desk.span.identity


@pytest.mark.parametrize(
    ("outcome", "state", "error"),
    [
        (SUCCESS, "SUCCESS", ""),
        (Outcome(Status.FAILURE, detail="KeyError"), "FAILURE", "KeyError"),
        (TIMED_OUT, "FAILURE", "timeout"),
        (LOST, "FAILURE", "worker_lost"),
        (TERMINATED, "REVOKED", "terminated"),
        (CANCELLED, "CANCELLED", "cancelled"),
        (Outcome(Status.RETRY, detail="KeyError"), "RETRY", ""),
        (IGNORED, "IGNORED", ""),
        (REJECTED, "REJECTED", ""),
        (REQUEUED, "REJECTED", ""),
    ],
)
def test_an_end_is_a_span(desk: Desk, outcome: Outcome, state: str, error: str) -> None:
    """For every outcome of an attempt that started: true start and end, its state, and its error where it is one."""
    desk.recorder.ended(attempt(), outcome, ENDED)
    desk.recorder.complete(everything=True)
    span = desk.span
    assert (STARTED, ENDED, error) == (span.start, span.end, span.error_type)
    assert state == dict(span.shared)[attributes.TASK_STATE]


@pytest.mark.parametrize("cause", [RevocationCause.REVOKED, RevocationCause.EXPIRED])
def test_what_never_started_has_a_short_span(desk: Desk, cause: RevocationCause) -> None:
    """A revoked or expired attempt has a span from its receipt that says why, and that is no error."""
    desk.end(attempt(started=False), Outcome(Status.REVOKED, detail=cause))
    assert (RECEIVED, "", cause) == (
        desk.span.start,
        desk.span.error_type,
        desk.span.attributes["celery.revoked.cause"],
    )


def test_what_was_returned_unstarted_has_none(desk: Desk) -> None:
    """An attempt that left the worker as it came has no span."""
    desk.end(attempt(started=False), Outcome(returned=ReturnCause.SHUTDOWN))
    assert [] == desk.spans


def test_what_is_not_sampled_has_none(desk: Desk) -> None:
    """An attempt without a span, or that is not sampled, makes none and waits for nothing."""
    without = attempt()
    without.span = None
    desk.end(without, SUCCESS)
    desk.end(attempt(sampled=False), TIMED_OUT)
    assert ([], 0, 0) == (desk.spans, desk.recorder.waiting, desk.announced)


def test_an_expected_exception_is_no_error(desk: Desk) -> None:
    """What a task lists in `throws` is on its span and leaves the status alone."""
    expected = attempt()
    expected.raised = Raised("shop.Expected", expected=True)
    desk.end(expected, Outcome(Status.FAILURE, detail="Expected"))
    assert ("", expected.raised) == (desk.span.error_type, desk.span.raised)


def test_times_of_waiting_are_told(desk: Desk) -> None:
    """Time in the queue leaves out the wait for an ETA, which has a time of its own; none is ever negative."""
    desk.end(attempt(published_at=998.0, eta=1000.5), SUCCESS)
    desk.end(attempt(published_at=2000.0), SUCCESS)
    first, second = (span.attributes for span in desk.spans)
    assert (0.5, 0.5, 0.5) == tuple(first[f"celery.task.{key}"] for key in ("queue_time", "prefetch_time", "eta_lag"))
    assert (0.0, 1.0) == (second["celery.task.queue_time"], second["celery.task.prefetch_time"])


def test_what_the_task_said_is_on_its_span(desk: Desk) -> None:
    """A record that came before the end is on the span of its attempt, and on no other."""
    desk.sent = [record(1, attributes={"a": 1}), record(2, attributes={"b": 2})]
    desk.end(attempt(1), SUCCESS)
    desk.end(attempt(3), SUCCESS)
    assert [{"a": 1}, None] == [span.said.get("attributes") for span in desk.spans]


@pytest.mark.parametrize("outcome", [TIMED_OUT, LOST, TERMINATED, CANCELLED])
def test_a_killed_childs_record_may_come_late(desk: Desk, outcome: Outcome) -> None:
    """The span of an attempt whose child was killed waits a moment for what the child was sending."""
    desk.end(attempt(), outcome)
    assert ([], 1, 1) == (desk.spans, desk.recorder.waiting, desk.announced)
    desk.sent = [record(attributes={"a": 1})]
    desk.now += PATIENCE
    desk.recorder.complete()
    assert {"a": 1} == desk.span.said["attributes"]
    assert 0 == desk.recorder.waiting


def test_at_the_end_nothing_is_waited_for(desk: Desk) -> None:
    """When the worker stops, spans that wait for a child are made as they are."""
    desk.end(attempt(), TIMED_OUT)
    desk.recorder.complete(everything=True)
    assert {} == desk.span.said


def test_a_killed_child_that_has_spoken_is_not_waited_for(desk: Desk) -> None:
    """With its record there, the span of a killed attempt is made at once."""
    desk.sent = [record(attributes={"a": 1})]
    desk.end(attempt(), LOST)
    assert {"a": 1} == desk.span.said["attributes"]


def test_records_of_nobody_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of records whose attempts never end only the youngest are kept; what is no record at all hurts nobody."""
    monkeypatch.setattr(recorder, "STRAYS", 2)
    desk.sent = [record(number, attributes={"number": number}) for number in (1, 2, 3)]
    desk.end(attempt(1), SUCCESS)
    desk.end(attempt(3), SUCCESS)
    assert [{}, {"number": 3}] == [span.said.get("attributes", {}) for span in desk.spans]
    desk.sent = [{"nonsense": 1}]
    desk.end(attempt(4), SUCCESS)
    assert 3 == len(desk.spans)


def test_an_attempt_may_speak_twice(desk: Desk) -> None:
    """What a child says at the begin and at the end of its task is one; the later value counts."""
    begun = record(attributes={"a": 1, "b": 1}, events=[{"name": "begun"}], name="old")
    ended = record(attributes={"b": 2}, events=[{"name": "ended"}], links=[{"traceparent": "x"}], name="new")
    desk.sent = [begun, ended]
    desk.end(attempt(), SUCCESS)
    said = desk.span.said
    assert {"a": 1, "b": 2} == said["attributes"]
    assert ["begun", "ended"] == [event["name"] for event in said["events"]]
    assert ([{"traceparent": "x"}], "new") == (said["links"], said["name"])


said = st.fixed_dictionaries(
    {},
    optional={
        "attributes": st.dictionaries(st.text(max_size=2), st.integers()),
        "events": st.lists(st.just({"name": "event"})),
        "links": st.lists(st.just({"traceparent": "x"})),
        "dropped": st.dictionaries(st.sampled_from(["attributes", "events", "links"]), st.integers(0, 5)),
        "cut": st.dictionaries(st.sampled_from(["attributes", "events", "links"]), st.integers(0, 5)),
    },
)


@given(said, said)
def test_nothing_gets_lost_in_merging(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two records together have all attributes, events and links of both, and count all that was dropped."""
    both = merged(first, second)
    assert {**first.get("attributes", {}), **second.get("attributes", {})} == both["attributes"]
    for key in ("events", "links"):
        assert len(first.get(key, ())) + len(second.get(key, ())) == len(both[key])
    for losses in ("dropped", "cut"):
        for key in ("attributes", "events", "links"):
            total = sum(one.get(losses, {}).get(key, 0) for one in (first, second))
            assert total == both.get(losses, {}).get(key, 0)


def test_spans_are_made_when_many_attempts_have_ended(desk: Desk) -> None:
    """Fewer wait for more, or for the next export."""
    for number in range(1, MANY):
        desk.recorder.ended(attempt(number), SUCCESS, ENDED)
        desk.recorder.complete_many()
    assert [] == desk.spans
    desk.recorder.ended(attempt(MANY), SUCCESS, ENDED)
    desk.recorder.complete_many()
    assert list(range(1, MANY + 1)) == [span.identity.span_id for span in desk.spans]


def test_what_children_send_is_read_before_their_attempts_end(desk: Desk) -> None:
    """It waits for its span here, and not in the buffer that all children share."""
    desk.sent = [record(attributes={"user": 1})]
    desk.recorder.collect()
    assert [] == desk.sent
    desk.end(attempt(), SUCCESS)
    assert {"user": 1} == desk.span.said["attributes"]


def test_what_came_beside_a_run_is_on_the_span_too(desk: Desk) -> None:
    """Of a killed attempt it is all there is; else the task's own word is the last."""
    desk.sent = [record(attributes={"a": 1, "b": 1}, aside=True), record(attributes={"b": 2})]
    desk.end(attempt(), SUCCESS)
    assert {"a": 1, "b": 2} == desk.span.said["attributes"]
    assert "aside" not in desk.span.said


def test_what_came_beside_a_run_is_not_the_killed_childs_last_word(desk: Desk) -> None:
    """It may still be sending what the task has set: the span waits for it as without a run."""
    desk.sent = [record(attributes={"a": 1}, aside=True)]
    desk.end(attempt(), TIMED_OUT)
    assert [] == desk.spans
    desk.sent = [record(attributes={"b": 2})]
    desk.now = PATIENCE
    desk.recorder.complete()
    assert {"a": 1, "b": 2} == desk.span.said["attributes"]


def test_the_headers_of_what_has_ended_are_not_kept() -> None:
    """They may be large, and the attempt is remembered; one that may still start needs them for another span."""
    desk, read = Desk(), (*COUNTED, *SHOWN)
    kept = {}
    for name, sampled, outcome in (("made", True, SUCCESS), ("unsampled", False, SUCCESS), ("back", True, REQUEUED)):
        attempt = Attempt.described("shop.order", "orders", ("7", "0", "0"), RECEIVED)
        attempt.headers, attempt.span = ("x",) * len(read), SpanIdentity(1, 2, sampled=sampled)
        desk.end(attempt, outcome)
        kept[name] = len(attempt.headers)
    assert {"made": 0, "unsampled": 0, "back": len(read)} == kept
