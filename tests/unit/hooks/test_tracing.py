"""What the span of an attempt takes from its message and from the pool's report."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.serialization import UnpickleableExceptionWrapper
from hypothesis import given
from hypothesis import strategies as st

from celery_otel import attributes
from celery_otel.core.attempt import Attempt
from celery_otel.core.outcome import SUCCESS, Outcome
from celery_otel.core.span import Attributes, Raised, SpanIdentity, SpanLink
from celery_otel.hooks.tracing import UNKNOWN_TASK, AttemptTracing
from celery_otel.span_attributes import CONTENT_LENGTH, message_attributes, shared_pairs
from celery_otel.stamps import CHORD, LINKS, PREVIOUS, TRACEPARENT, TRACESTATE

SECRET = "card-4711"  # noqa: S105  # stands for what must not be told
LINK = f"00-{3:032x}-{4:016x}-01"


class Identities:
    """Gives every span the same ids, and keeps the links.

    Args:
        sampled: Whether they are.
        trace_state: Theirs.
        passes: What it passes on instead.
    """

    def __init__(self, *, sampled: bool = True, trace_state: str = "", passes: str | None = None) -> None:
        self._sampled, self._trace_state, self._passes = sampled, trace_state, passes

    def passed_on(self, headers: Mapping[str, Any]) -> str | None:  # noqa: ARG002  # the protocol's signature
        """What it was told to."""
        return self._passes

    def make(
        self,
        headers: Mapping[str, Any],  # noqa: ARG002  # the protocol's signature
        about: Callable[[], tuple[str, Attributes]],
        *,
        links: tuple[SpanLink, ...] = (),
    ) -> SpanIdentity:
        """An identity."""
        about()
        return SpanIdentity(1, 2, sampled=self._sampled, trace_state=self._trace_state, links=links)


class Recorder:
    """Keeps what ends."""

    def __init__(self) -> None:
        self.ends: list[tuple[Attempt, Outcome, float]] = []
        self.prepare: Callable[[], object] = lambda: None
        self.post: Callable[[], None] = lambda: None
        self.completions = self.collections = 0

    def ended(self, attempt: Attempt, outcome: Outcome, at: float) -> None:
        """Notes an end."""
        self.ends.append((attempt, outcome, at))

    def collect(self) -> None:
        """Reads what children have sent."""
        self.collections += 1

    def complete_many(self) -> None:
        """Makes the spans that are due."""
        self.completions += 1


def named(task: str, _: str) -> tuple[str, Attributes]:
    """The shape of a span: its name alone."""
    return f"process {task}", {}


def described(*_: object) -> None:
    """Attempts are described already."""


def tracing(identities: Identities | None = None, **options: bool) -> AttemptTracing:
    """The tracing of a worker."""
    return AttemptTracing(identities or Identities(), named, Recorder(), described, **options)


def request_of(**headers: Any) -> Any:
    """A request as Celery makes it, as far as it is read here."""
    task = SimpleNamespace(throws=(KeyError,))
    return SimpleNamespace(id="an-id", request_dict=headers, task=task)


def received(request: Any, identities: Identities | None = None, *, content: bool = False) -> Attempt:
    """An attempt whose message has been received."""
    attempt = Attempt.described("shop.order", "orders", ("an-id", "0", "0"), 1.0)
    made = tracing(identities, content=content)
    attempt.headers = tuple(map(request.request_dict.get, made.headers))
    made.received(attempt, request.request_dict)
    return attempt


def said(attempt: Attempt) -> Attributes:
    """What the attempt's span will say of its message and report."""
    ended = (attributes.TASK_STATE, attributes.UPSTREAM_STATE)
    shared = {key: value for key, value in shared_pairs(attempt, SUCCESS) if key not in ended}
    return {**message_attributes(attempt), **shared, **attempt.attributes}


def reported(error: BaseException, *, content: bool = False) -> Raised | None:
    """What is kept of an exception that ended an attempt."""
    request = request_of()
    attempt = received(request)
    tracing(content=content).reported(request, attempt, (True, info_of(error), 0.1))
    return attempt.raised


def info_of(error: BaseException) -> Any:
    """What a child sends of an exception."""
    try:
        raise error
    except type(error):
        return ExceptionInfo()


def test_the_stamp_is_for_the_child() -> None:
    """Ids and decision go into the request, over what the attempt before left there."""
    request = request_of(**{TRACEPARENT: "old", TRACESTATE: "old"})
    attempt = received(request)
    assert attempt.span is not None
    assert {TRACEPARENT: attempt.span.traceparent} == request.request_dict
    received(request, Identities(trace_state="shop=1"))
    assert "shop=1" == request.request_dict[TRACESTATE]


def test_what_the_message_says() -> None:
    """Ids of task, root, parent, group, chord and conversation, retries and ETA are attributes where they are given."""
    headers = {
        "correlation_id": "c",
        "root_id": "r",
        "parent_id": "p",
        "group": "g",
        "eta": "2026-01-01T00:00:00",
        CHORD: "b",
        "retries": 2,
        "argsrepr": SECRET,
        "kwargsrepr": SECRET,
    }
    assert {
        attributes.MESSAGE_ID: "an-id",
        attributes.TASK_RETRIES: 2,
        attributes.UPSTREAM_RETRIES: 2,
        attributes.CONVERSATION_ID: "c",
        attributes.TASK_ROOT_ID: "r",
        attributes.TASK_PARENT_ID: "p",
        attributes.GROUP_ID: "g",
        attributes.CHORD_ID: "b",
        attributes.TASK_ETA: "2026-01-01T00:00:00",
    } == said(received(request_of(**headers)))
    assert {attributes.MESSAGE_ID: "an-id", attributes.TASK_RETRIES: 0} == said(received(request_of(group=None)))


def test_retries_may_be_nonsense() -> None:
    """A number of retries that is none, from the network, is 0 on the span, and one of many digits has fewer."""
    cases: tuple[tuple[int, Any], ...] = ((0, "x"), (0, []), (3, "3"), (2**53, 10**400))
    for expected, retries in cases:
        assert expected == said(received(request_of(retries=retries)))[attributes.TASK_RETRIES]


def test_content_on_request_is_cut() -> None:
    """Arguments are told when that is asked for, as Celery shows them and no longer than it does."""
    found = said(received(request_of(argsrepr="a" * 5000, kwargsrepr="{}"), content=True))
    assert ("a" * CONTENT_LENGTH, "{}") == (found[attributes.TASK_ARGS], found[attributes.TASK_KWARGS])


def test_what_is_not_sampled_costs_nothing() -> None:
    """Without sampling no exception and no result is kept."""
    request = request_of()
    attempt = received(request, Identities(sampled=False))
    tracing(content=True).reported(request, attempt, (True, info_of(ValueError()), 0.1))
    tracing(content=True).reported(request, attempt, (False, "'x'", 0.1))
    assert ({}, None) == (attempt.attributes, attempt.raised)


def test_what_is_passed_on_is_the_childs_stamp() -> None:
    """Where no span is to be recorded the message's own traceparent is what the child finds, and there is no span."""
    headers = {TRACEPARENT: LINK, TRACESTATE: "old=1"}
    request = request_of(**headers)
    assert received(request, Identities(passes=LINK[:-1] + "0")).span is None
    assert {TRACEPARENT: LINK[:-1] + "0"} == request.request_dict


def test_links() -> None:
    """A retry points to the attempt before, a chord's body to its headers; what is no traceparent is nothing."""
    headers = {PREVIOUS: LINK, LINKS: f"{LINK},nonsense,{LINK[:-1]},{'x' * 55}"}
    attempt = received(request_of(**headers))
    assert attempt.span is not None
    assert [(3, 4, "previous attempt"), (3, 4, "header")] == [
        (link.trace_id, link.span_id, link.attributes[attributes.LINK]) for link in attempt.span.links
    ]


@given(st.dictionaries(st.sampled_from([PREVIOUS, LINKS]), st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_links_may_hold_anything(headers: dict[str, Any]) -> None:
    """Whatever a message from the network has for links, the attempt has its span."""
    assert received(request_of(**headers)).span is not None


@pytest.mark.parametrize(("pid", "expected"), [(4711, 4711), (None, None), ("greenlet", None)])
def test_the_child(pid: object, expected: int | None) -> None:
    """The process id is a child's, where there is one."""
    attempt = received(request_of())
    attempt.pid = pid
    assert expected == said(attempt).get(attributes.PROCESS_PID)


def test_an_exception() -> None:
    """Class and stack are kept, and what it says only on request."""
    raised = reported(ValueError(SECRET))
    assert raised is not None
    assert ("ValueError", "", False) == (raised.type, raised.message, raised.expected)
    assert "ValueError" == raised.stack.splitlines()[-1]
    assert SECRET not in raised.stack
    told = reported(ValueError(SECRET), content=True)
    assert told is not None
    assert (SECRET, True) == (told.message, f"ValueError: {SECRET}" in told.stack)


def test_an_expected_exception() -> None:
    """What the task lists in `throws`, or is a kind of it, is expected."""
    kind = type("Missing", (KeyError,), {"__module__": "shop"})
    raised = reported(kind())
    assert raised is not None
    assert ("shop.Missing", True) == (raised.type, raised.expected)


def test_an_exception_that_came_as_its_description() -> None:
    """The class of what could not be pickled is its own, not the wrapper's."""
    raised = reported(UnpickleableExceptionWrapper("shop", "Unpicklable", (SECRET,), SECRET))
    assert raised is not None
    assert "shop.Unpicklable" == raised.type


def test_an_exception_that_cannot_speak() -> None:
    """An exception whose text raises is kept all the same."""

    class Mute(Exception):  # noqa: N818  # it is what it is
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    raised = reported(Mute(), content=True)
    assert raised is not None
    assert "<str failed: RuntimeError>" == raised.message


@pytest.mark.parametrize(
    "error", [Retry(), Ignore(), Reject("no"), TimeLimitExceeded(1), WorkerLostError("gone"), SystemExit()]
)
def test_what_the_task_did_not_raise_is_no_exception(error: BaseException) -> None:
    """Messages to Celery and the loss of the process leave no exception on the span."""
    assert reported(error) is None


def test_a_result_on_request() -> None:
    """Celery's representation of a result is told as it is, cut, and only on request."""
    request = request_of()
    for content, result, expected in [
        (True, "'x'", "'x'"),
        (True, "x" * 5000, "x" * CONTENT_LENGTH),
        (True, None, None),
        (False, "'x'", None),
    ]:
        attempt = received(request)
        tracing(content=content).reported(request, attempt, (False, result, 0.1))
        assert expected == attempt.attributes.get(attributes.TASK_RESULT)


def test_an_unknown_task() -> None:
    """A message for a task that is not registered has a span that ends as it begins, and whose name is not its."""
    recorder = Recorder()
    shapes: list[str] = []

    def shape(task: str, _: str) -> tuple[str, Attributes]:
        shapes.append(task)
        return task, {}

    made = AttemptTracing(Identities(), shape, recorder, described)
    made.unknown(SimpleNamespace(headers=None), "shop.nowhere", "an-id", 5.0)
    ((attempt, outcome, at),) = recorder.ends
    assert ([UNKNOWN_TASK], 1) == (shapes, recorder.completions)
    assert {attributes.MESSAGE_ID: "an-id", attributes.TASK_NAME: "shop.nowhere"} == said(attempt)
    assert (UNKNOWN_TASK, 5.0, 5.0) == (outcome.detail, attempt.received_at, at)


def test_without_an_event_loop_each_end_reads_the_relay() -> None:
    """Where nothing reads what children send as it comes, it is read at each end: they share one small buffer."""
    recorder = Recorder()
    made = AttemptTracing(Identities(), named, recorder, described)
    made.complete_many()
    made.collects = False
    made.complete_many()
    assert (1, 2) == (recorder.collections, recorder.completions)
