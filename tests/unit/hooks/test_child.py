"""A stamped task runs inside its attempt's span, and what it sets on that reaches MAIN."""

import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.app import trace as celery_trace
from celery.worker.consumer import consumer
from opentelemetry import baggage, context, trace
from opentelemetry.trace import INVALID_SPAN

from celery_otel.hooks.child import ChildTracing
from celery_otel.hooks.installed import connected
from celery_otel.hooks.task_logs import TaskLogs
from celery_otel.relay import DirectRelay
from celery_otel.span_limits import SpanLimits
from celery_otel.stamps import TRACEPARENT
from tests.live_receivers import live_receivers

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STAMP = f"00-{TRACE}-{SPAN}-01"


class Child:
    """An application whose tasks run here as they would in a child: by Celery's own tracer."""

    def __init__(self) -> None:
        self.app = Celery("shop", set_as_current=False)
        self.task = self.app.task(_call, name="shop.call", shared=False)
        self.counts: Counter[str] = Counter()
        self.relay = DirectRelay(lambda what, number: self.counts.update({what: number}))

    def run(self, work: Callable[[], Any], stamp: str | None = STAMP, **request: Any) -> Any:
        """What a task that does some work returns."""
        tracer = celery_trace.build_tracer(self.task.name, self.task, app=self.app)
        stamps = {} if stamp is None else {TRACEPARENT: stamp}
        request = {"id": "1", "hostname": "w@host", "delivery_info": {}, **stamps, **request}
        return tracer("1", (work,), {}, request=request).retval


def _call(work: Callable[[], Any]) -> Any:
    """The task: does some work."""
    return work()


@pytest.fixture
def child() -> Child:
    """A child, in which nothing is installed yet."""
    return Child()


@pytest.fixture
def tracing(child: Child) -> Iterator[ChildTracing]:
    """The hooks, installed."""
    with ChildTracing(child.relay) as tracing:
        yield tracing
    assert context.get_current() == {}


def current() -> str:
    """The ids of the current span."""
    ids = trace.get_current_span().get_span_context()
    return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"


def set_a() -> str:
    """Sets an attribute; gives the ids of the current span."""
    trace.get_current_span().set_attribute("a", 1)
    return current()


@pytest.mark.usefixtures("tracing")
def test_a_task_runs_inside_its_attempts_span(child: Child) -> None:
    """The current span has the stamp's ids while the task runs, and there is none before and after."""
    assert STAMP == child.run(current)
    assert trace.get_current_span() is INVALID_SPAN


@pytest.mark.usefixtures("tracing")
def test_what_a_task_sets_is_sent(child: Child) -> None:
    """One record, under the attempt's span id; a task that sets nothing has none."""
    child.run(lambda: trace.get_current_span().set_attribute("shop.total", 42))
    child.run(lambda: trace.get_current_span().is_recording())
    assert [{"span": SPAN, "attributes": {"shop.total": 42}}] == child.relay.drain()


def test_a_task_that_fails_sends_what_it_set(child: Child, tracing: ChildTracing) -> None:  # noqa: ARG001  # installed
    """Its own failure is MAIN's to tell: only what it set is sent."""

    def fail() -> None:
        trace.get_current_span().add_event("before", timestamp=1)
        raise ValueError

    child.run(fail)
    assert [{"span": SPAN, "events": [{"name": "before", "time": 1}]}] == child.relay.drain()


@pytest.mark.usefixtures("tracing")
def test_the_end_of_a_process_in_a_task_leaves_nothing(child: Child) -> None:
    """A task that exits has its span taken back all the same: other tasks run in this process."""

    def leave() -> None:
        sys.exit(set_a())

    with pytest.raises(SystemExit):
        child.run(leave)
    assert trace.get_current_span() is INVALID_SPAN
    assert 1 == len(child.relay.drain())


@pytest.mark.usefixtures("tracing")
def test_an_unsampled_task_has_a_span_that_records_nothing(child: Child) -> None:
    """It is current, so that its children are not sampled; nothing is kept and nothing sent."""
    unsampled = STAMP.removesuffix("1") + "0"

    def work() -> tuple[str, bool]:
        trace.get_current_span().set_attribute("a", 1)
        return current(), trace.get_current_span().is_recording()

    assert (unsampled, False) == child.run(work, unsampled)
    assert [] == child.relay.drain()


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("stamp", [None, "nonsense"])
def test_a_task_without_a_stamp_is_left_alone(child: Child, stamp: str | None) -> None:
    """It has the current span that it would have without us: none."""
    assert child.run(lambda: trace.get_current_span() is INVALID_SPAN, stamp)


@pytest.mark.usefixtures("tracing")
def test_an_eager_task_belongs_to_the_task_that_calls_it(child: Child) -> None:
    """Run in place, with the stamp among its headers, it adds to the span of its caller, which goes on after it."""

    def eager() -> None:
        trace.get_current_span().set_attribute("eager", current())

    def work() -> None:
        child.task.apply((eager,), headers={TRACEPARENT: f"00-{TRACE}-{'1' * 16}-01"}).get()
        trace.get_current_span().set_attribute("after", current())

    child.run(work)
    assert [{"span": SPAN, "attributes": {"eager": STAMP, "after": STAMP}}] == child.relay.drain()


@pytest.mark.usefixtures("tracing")
def test_baggage_of_the_message_is_there_and_no_others(child: Child) -> None:
    """What the publisher put into its baggage is the task's; what a task before it left attached is not."""
    context.attach(baggage.set_baggage("left", "behind"))
    try:
        assert {"tenant": "a"} == child.run(lambda: dict(baggage.get_all()), baggage="tenant=a")
        assert {"tenant": "b"} == child.run(lambda: dict(baggage.get_all()), headers={"baggage": "tenant=b"})
        # Half a surrogate pair, which OpenTelemetry cannot encode.
        assert {"tenant": "?"} == child.run(lambda: dict(baggage.get_all()), baggage="tenant=\ud800")
        assert {} == child.run(lambda: dict(baggage.get_all()), traceparent=STAMP)
        assert STAMP == child.run(current, baggage="tenant=a", traceparent=f"00-{'1' * 32}-{'2' * 16}-00")
    finally:
        context.attach(context.Context())


@pytest.mark.usefixtures("tracing")
def test_malformed_baggage_costs_neither_span_nor_what_is_well_formed(
    child: Child, caplog: pytest.LogCaptureFixture
) -> None:
    """Though the line that tells it asks for the current span, which is then still being made."""
    with TaskLogs("shop"):
        found = child.run(lambda: (current(), dict(baggage.get_all())), baggage="malformed,tenant=a,malformed")
    assert (STAMP, {"tenant": "a"}) == found
    assert not child.counts
    assert 1 == len(caplog.messages)


def test_the_users_handlers_are_inside(child: Child) -> None:
    """Handlers connected before find the task's span as well, what they set is sent, and what they attach goes."""
    tokens: list[Any] = []

    def before(**_: object) -> None:
        trace.get_current_span().set_attribute("before", current())
        tokens.append(context.attach(baggage.set_baggage("tenant", "a")))

    def after(**_: object) -> None:
        context.detach(tokens.pop())
        trace.get_current_span().set_attribute("after", current())

    with connected(signals.task_prerun, before), connected(signals.task_postrun, after), ChildTracing(child.relay):
        assert "a" == child.run(lambda: baggage.get_baggage("tenant"))
    assert context.get_current() == {}
    assert [{"span": SPAN, "attributes": {"before": STAMP, "after": STAMP}}] == child.relay.drain()


def test_limits_are_kept(child: Child) -> None:
    """The span of a task holds no more than the limits say."""
    with ChildTracing(child.relay, SpanLimits(attributes=1)):
        child.run(lambda: trace.get_current_span().set_attributes({"a": 1, "b": 2}))
    assert [{"span": SPAN, "attributes": {"b": 2}, "dropped": {"attributes": 1}}] == child.relay.drain()


class Broken(DirectRelay):
    """A relay that cannot send."""

    def send(self, record: Any, *, patient: bool = True) -> bool:  # noqa: ARG002  # as the one that can
        """Fails."""
        raise RuntimeError("broken on purpose")


def test_a_hook_that_fails_costs_no_task(child: Child, caplog: pytest.LogCaptureFixture) -> None:
    """The task succeeds, its context is taken back, and the failure is noted for MAIN and logged."""
    relay = Broken(lambda what, number: child.counts.update({what: number}))
    with ChildTracing(relay):
        assert STAMP == child.run(set_a)
    assert context.get_current() == {}
    assert {"task_postrun": 1} == child.counts
    assert "celery-otel failed in its hook task_postrun" in caplog.text


def test_a_process_that_the_task_forks_is_not_the_attempt(child: Child) -> None:
    """When it comes back from the task as well, it sends nothing."""
    reader, writer = os.pipe()

    def work() -> int:
        set_a()
        return os.fork()

    with ChildTracing(child.relay):
        pid = child.run(work)
    if pid == 0:
        try:
            os.write(writer, b"%d" % len(child.relay.drain()))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert b"0" == os.read(reader, 1)
    assert 1 == len(child.relay.drain())
    os.close(reader)
    os.close(writer)


def test_two_workers_of_a_process_keep_apart(child: Child) -> None:
    """Each has the records of its own tasks; one that is stopped in between takes nothing with it."""
    other = DirectRelay(lambda *_: None)
    with ChildTracing(child.relay, hostname="w@host"):
        with ChildTracing(other, hostname="other@host"):
            child.run(set_a)
            child.run(set_a, hostname="other@host")
            child.run(set_a, hostname="third@host")
        child.run(set_a)
    assert (2, 1) == (len(child.relay.drain()), len(other.drain()))


def test_tasks_of_threads_have_a_span_each(child: Child) -> None:
    """Tasks that run at the same time in one process each find their own."""
    together = threading.Barrier(8)
    results: dict[int, Any] = {}

    def work() -> tuple[str, str]:
        first = current()
        together.wait(20)
        trace.get_current_span().set_attribute("a", current())
        return first, current()

    def run(number: int) -> None:
        results[number] = child.run(work, stamps[number])

    stamps = {number: f"00-{TRACE}-{number:016x}-01" for number in range(1, 9)}
    with ChildTracing(child.relay):
        threads = [threading.Thread(target=run, args=(number,)) for number in stamps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {number: (stamp, stamp) for number, stamp in stamps.items()} == results
    records = {record["span"]: record["attributes"]["a"] for record in child.relay.drain()}
    assert {f"{number:016x}": stamp for number, stamp in stamps.items()} == records


def test_without_a_way_to_main_it_is_said_once(child: Child, caplog: pytest.LogCaptureFixture) -> None:
    """In a process that inherited no relay, tasks have their span, and one line says that what they set is lost."""
    with ChildTracing(None):
        assert trace.get_current_span() is INVALID_SPAN
        child.run(current, None)
        assert [] == caplog.messages
        for _ in range(3):
            assert STAMP == child.run(set_a)
    (message,) = caplog.messages
    assert "the pool does not fork its children" in message


def test_it_is_taken_back(child: Child) -> None:
    """Afterwards, Celery's signals and tracers are what they were, and stamped tasks are left alone."""
    gc.collect()
    before = live_receivers([signals.worker_process_shutdown]), celery_trace.build_tracer, consumer.build_tracer
    with ChildTracing(child.relay):
        during = live_receivers([signals.worker_process_shutdown]), celery_trace.build_tracer, consumer.build_tracer
    after = live_receivers([signals.worker_process_shutdown]), celery_trace.build_tracer, consumer.build_tracer
    assert before == after
    assert all(there != then for there, then in zip(before, during, strict=True))
    assert child.run(lambda: trace.get_current_span() is INVALID_SPAN)


def test_tasks_that_are_ready_to_run_are_wrapped_too(child: Child) -> None:
    """In a process whose tasks have their tracers already these are wrapped, and unwrapped afterwards."""
    child.task.__trace__ = own = celery_trace.build_tracer(child.task.name, child.task, app=child.app)
    request = {"id": "1", "hostname": "w@host", "delivery_info": {}, TRACEPARENT: STAMP}
    with ChildTracing(child.relay, app=child.app):
        assert STAMP == child.task.__trace__("1", (current,), {}, request).retval
    assert own is child.task.__trace__


def test_who_patches_on_top_keeps_what_they_have(child: Child) -> None:
    """A tracer that is built through a patch on top of ours, after ours has gone, is Celery's own."""
    tracing = ChildTracing(child.relay)
    with tracing:
        ours = celery_trace.build_tracer
    tracer = ours(child.task.name, child.task, app=child.app)
    request = {"id": "1", "hostname": "w@host", "delivery_info": {}, TRACEPARENT: STAMP}
    assert STAMP != tracer("1", (current,), {}, request=request).retval
