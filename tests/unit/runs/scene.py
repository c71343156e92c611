"""What runs are tested in: a task of a worker with a span of its own, or no worker at all; and a clock that is held."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog
from celery_otel.harmless import Harmless
from celery_otel.measured_run import Surroundings
from celery_otel.relay_record import Record
from celery_otel.relay_span import RelaySpan, UnsampledSpan
from celery_otel.run_block import Block
from celery_otel.training_run import _CURRENT, TrainingRun
from celery_otel.workplace import TASK, RunningTask, Workplace

BEGAN = 1_700_000_000.0


def context(*, sampled: bool = True) -> SpanContext:
    """Who the task's span is."""
    return SpanContext(0x11, 0x22, is_remote=False, trace_flags=TraceFlags(int(sampled)))


class Line:
    """Keeps what is sent to MAIN."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.patience: list[bool] = []
        self.notes: list[str] = []
        self.untold: tuple[()] = ()
        self.broken: BaseException | None = None

    def send(self, record: Record, *, patient: bool = True) -> bool:
        """Keeps a record, or raises what it is told to, once."""
        error, self.broken = self.broken, None
        if error is not None:
            raise error
        self.records.append(record)
        self.patience.append(patient)
        return True

    def writer_fileno(self) -> int | None:
        """Nothing to inherit."""
        return None

    def note(self, what: str) -> None:
        """Keeps it."""
        self.notes.append(what)

    def tell(self) -> None:
        """Nothing to tell."""

    @property
    def runs(self) -> list[dict[str, Any]]:
        """What was told of runs."""
        return [record["run"] for record in self.records]


class Scene:
    """One task, or none.

    Args:
        task: Whether there is one.
        span: Its span.
    """

    def __init__(self, *, task: bool = True, span: RelaySpan | UnsampledSpan | None = None) -> None:
        self.line = Line()
        self.time = 100.0
        self.span = span
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("runs")
        self.around = Surroundings(
            lambda: Workplace(self.line, self.span) if task else None,
            lambda: self.tracer,
            lambda: False,
            Clock(wall=lambda: BEGAN, monotonic=lambda: self.time),
            Harmless(FailureLog(), self.line.note),
        )

    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended outside of a worker."""
        return list(self._exporter.get_finished_spans())

    def said(self) -> Record:
        """What runs have put on the task's span, which ends with it."""
        assert isinstance(self.span, RelaySpan)
        return self.span.finish() or {}

    def attributes(self) -> Mapping[str, Any]:
        """The attributes that runs have put on the task's span, which ends with it."""
        found: Mapping[str, Any] = self.said()["attributes"]
        return found


def traced() -> Scene:
    """A task whose span is sampled."""
    return Scene(span=RelaySpan(context))


def events(record: Record, name: str) -> list[Mapping[str, Any]]:
    """What the events of a name say."""
    return [event["attributes"] for event in record["events"] if event["name"] == name]


@contextmanager
def running_task() -> Iterator[Scene]:
    """A task that runs here, as whatever looks for one finds it."""
    scene = traced()
    assert scene.span is not None
    token = otel.attach(otel.set_value(TASK, RunningTask(scene.span, scene.line, os.getpid())))
    yield scene
    otel.detach(token)


def training_in(scene: Scene, model_type: str = "forest", *known: Any, **attributes: Any) -> Block[TrainingRun]:
    """What `training` gives, in a scene."""
    samples, features = (*known, None, None)[:2]
    return Block(lambda: TrainingRun(model_type, samples, features, attributes, scene.around), _CURRENT)


def span_id(span: ReadableSpan) -> int:
    """Who a span is."""
    context = span.get_span_context()
    assert context is not None
    return context.span_id
