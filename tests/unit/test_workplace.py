"""A run finds its task and the way to its worker, wherever in the task it begins."""

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from celery import Celery
from celery.app import trace as celery_trace
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from celery_otel.core.run import RunRecord
from celery_otel.hooks.child import ChildTracing
from celery_otel.inheritance import HEIR, RELAY
from celery_otel.relay import Relay
from celery_otel.relay_span import RelaySpan
from celery_otel.stamps import TRACEPARENT
from celery_otel.subprocesses import subprocess_options
from celery_otel.workplace import POSTS, Post, Workplace, workplace
from tests.forked import exit_status_of

HOST = "w@host"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
RUN = RunRecord.begun("training", "forest", 1000.0)
TOLD = {"run": RUN.told(), "attributes": {"a": 1}}


class Worker:
    """A worker of which this process is a child, or MAIN: its tasks run here, by Celery's own tracer."""

    def __init__(self, hostname: str = HOST) -> None:
        self.hostname = hostname
        self.app = Celery("shop", set_as_current=False)
        self.task = self.app.task(_call, name="shop.call", shared=False)
        self.relay = Relay(lambda *_: None)
        self.post = Post(self.relay)

    def run(self, work: Callable[[], Any], stamp: str | None = SAMPLED) -> Any:
        """What a task that does some work returns."""
        tracer = celery_trace.build_tracer(self.task.name, self.task, app=self.app)
        stamps = {} if stamp is None else {TRACEPARENT: stamp}
        request = {"id": "1", "hostname": self.hostname, "delivery_info": {}, **stamps}
        return tracer("1", (work,), {}, request=request).retval


def _call(work: Callable[[], Any]) -> Any:
    """The task: does some work."""
    return work()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(autouse=True)
def heirless() -> Iterator[None]:
    """Gives back what this process has inherited in a test."""
    yield
    HEIR.close()


def opened(stack: ExitStack, hostname: str = HOST) -> Worker:
    """A worker that is open."""
    worker = Worker(hostname)
    stack.callback(worker.relay.close)
    stack.enter_context(POSTS.opened(hostname, worker.post))
    return worker


@pytest.fixture
def worker(stack: ExitStack) -> Worker:
    """A worker with metrics alone."""
    return opened(stack)


@pytest.fixture
def traced(stack: ExitStack, worker: Worker) -> Worker:
    """The same in a child of a prefork pool, with spans."""
    stack.enter_context(ChildTracing(worker.relay, hostname=HOST, post=worker.post))
    return worker


def place() -> Workplace:
    """Where this code runs, which is in a task."""
    found = workplace()
    assert found is not None
    return found


def told() -> bool:
    """Tells of a run."""
    return place().send(TOLD)


def in_thread(work: Callable[[], Any]) -> Any:
    """What some work gives in a thread that knows nothing."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def test_outside_of_every_worker_there_is_none() -> None:
    """In a script there is neither a task nor a worker."""
    assert workplace() is None
    assert {"env": {"A": "1"}, "pass_fds": ()} == subprocess_options({"A": "1"})


def test_in_a_task_it_is_the_tasks(traced: Worker) -> None:
    """A run is sent with the task's span, whose other attributes find theirs by it."""
    assert traced.run(told)
    assert [{"span": SPAN, **TOLD}] == traced.relay.drain()


def test_the_span_is_the_tasks_own(traced: Worker) -> None:
    """Also below another span, in a plain thread, in a thread with the task's context, and in a task run eagerly."""
    tracer = TracerProvider().get_tracer("t")

    def work() -> list[Any]:
        own = trace.get_current_span()
        assert isinstance(own, RelaySpan)
        with tracer.start_as_current_span("below"):
            places = [place(), in_thread(place)]
            context = contextvars.copy_context()
            places.append(in_thread(lambda: context.run(place)))
        return [found.span is own for found in places]

    assert [True] * 3 == traced.run(work)


def test_what_is_not_sampled_keeps_nothing_and_counts(traced: Worker) -> None:
    """The run is told without its attributes and without a span."""
    traced.run(told, UNSAMPLED)
    assert [{"run": RUN.told()}] == traced.relay.drain()


@pytest.mark.parametrize("elsewhere", [lambda work: work(), in_thread, exit_status_of], ids=["task", "thread", "fork"])
def test_with_metrics_alone_the_run_is_told(worker: Worker, elsewhere: Callable[[Any], Any]) -> None:
    """There is no span then; Celery's current task says whose it is, and in a thread the only worker there is."""
    worker.run(lambda: elsewhere(told), None)
    assert [{"run": RUN.told()}] == worker.relay.drain()


def test_two_workers_of_a_process_keep_apart(stack: ExitStack, worker: Worker) -> None:
    """Each has the runs of its own tasks; where nobody can say whose it is, nobody has it."""
    other = opened(stack, "other@host")
    other.run(told, None)
    assert (0, 1) == (len(worker.relay.drain()), len(other.relay.drain()))
    assert worker.run(lambda: in_thread(workplace), None) is None


def test_a_forked_process_tells_what_it_sets_itself(traced: Worker) -> None:
    """With the record that ends its run, under the task's span; what the task has set stays the task's."""

    def work() -> None:
        trace.get_current_span().set_attribute("task", 1)
        assert 0 == exit_status_of(run_there)

    def run_there() -> None:
        found = place()
        assert found.span is not None
        found.send(TOLD)
        found.span.set_attribute("b", 2)
        found.span.add_event("scored", timestamp=5)
        found.send({"run": {**RUN.told(), "seconds": 1.0, "result": "success"}})

    traced.run(work)
    begin, end, own = traced.relay.drain()
    assert {"span": SPAN, **TOLD} == begin
    assert (SPAN, {"b": 2}, [{"name": "scored", "time": 5}]) == (end["span"], end["attributes"], end["events"])
    assert {"span": SPAN, "attributes": {"task": 1}} == own


def test_a_program_finds_it_by_its_environment(traced: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the descriptor that it inherits and the span's ids, as `subprocess_options` has given them."""
    options = traced.run(lambda: subprocess_options({"A": "1"}))
    assert "1" == options["env"]["A"]
    assert (traced.relay.writer_fileno(),) == options["pass_fds"]
    with ExitStack() as outside:
        POSTS.pop(HOST)
        outside.callback(POSTS.__setitem__, HOST, traced.post)
        for key, value in options["env"].items():
            monkeypatch.setenv(key, value)
        found = place()
        assert isinstance(found.span, RelaySpan)
        found.span.set_attribute("b", 2)
        found.send({"run": {**RUN.told(), "seconds": 1.0, "result": "success"}})
    (record,) = traced.relay.drain()
    assert (SPAN, {"b": 2}) == (record["span"], record["attributes"])


@pytest.mark.parametrize("name", ["", "x:1", "0:1", "-1:0", "99999:1", "{}:1"])
def test_a_descriptor_that_is_another_file_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that inherited the environment, but not the descriptor, is outside of every worker."""
    reader, writer = os.pipe()
    monkeypatch.setenv(RELAY, name.format(writer))
    assert workplace() is None
    monkeypatch.setenv(RELAY, f"{writer}:{os.fstat(writer).st_ino}")
    assert workplace() is None
    os.close(reader)
    os.close(writer)


def test_a_child_that_was_spawned_has_none(stack: ExitStack) -> None:
    """It has spans and no way to its worker: a run there is a span of its own."""
    worker = Worker()
    stack.callback(worker.relay.close)
    with ChildTracing(None):
        assert worker.run(workplace) is None


def test_a_span_of_somebody_else_can_be_told_too() -> None:
    """Whatever span it is: its id and whether it is sampled are all that counts."""
    relay = Relay(lambda *_: None)
    context = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    Workplace(relay, NonRecordingSpan(context)).send(TOLD)
    assert [{"span": f"{2:016x}", **TOLD}] == relay.drain()
    relay.close()
