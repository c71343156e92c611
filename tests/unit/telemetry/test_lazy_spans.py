"""Spans find their processors when the first one ends, in the process where it ends."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from celery_otel.core.clock import Clock
from celery_otel.failures import FailureLog
from celery_otel.telemetry.lazy_spans import LazySpans


class Kept(SpanProcessor):
    """Keeps the names of what it gets, and whether it was ended."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.ended = False

    def on_end(self, span: ReadableSpan) -> None:
        """Keeps a span's name."""
        self.names.append(span.name)

    def shutdown(self) -> None:
        """Ends."""
        self.ended = True


class Built:
    """Builds processors and counts them."""

    def __init__(self) -> None:
        self.all: list[Kept] = []
        self.spans = LazySpans(self.build, FailureLog())
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self.spans)
        self.tracer = provider.get_tracer("test")

    def build(self) -> Sequence[SpanProcessor]:
        """One more."""
        self.all.append(Kept())
        return [self.all[-1]]

    def end(self, name: str) -> None:
        """A span begins and ends."""
        self.tracer.start_span(name).end()

    @property
    def names(self) -> list[list[str]]:
        """What each one got."""
        return [kept.names for kept in self.all]


def test_the_first_span_builds() -> None:
    """Nothing is built before a span has ended, and one set of processors gets them all."""
    built = Built()
    span = built.tracer.start_span("first")
    assert [] == built.all
    span.end()
    built.end("second")
    assert [["first", "second"]] == built.names


def test_an_unsampled_span_builds_nothing() -> None:
    """A span that nobody will see costs no exporter."""
    built = Built()
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(built.spans)
    provider.get_tracer("test").start_span("unseen").end()
    assert [] == built.all


def test_a_diverted_process_builds_nothing() -> None:
    """What was built ends, spans go to whoever takes them, and afterwards others are built."""
    built = Built()
    built.end("before")
    taken: list[str] = []
    with built.spans.diverted(lambda span: taken.append(span.name)):
        assert built.all[0].ended
        built.end("meanwhile")
    built.end("after")
    assert ["meanwhile"] == taken
    assert [["before"], ["after"]] == built.names


def test_after_its_end_it_is_quiet_until_it_is_opened() -> None:
    """A span that ends after the shutdown goes nowhere, one after the opening does."""
    built = Built()
    built.end("before")
    built.spans.shutdown()
    built.end("unseen")
    assert built.all[0].ended
    built.spans.open()
    built.end("after")
    assert [["before"], ["after"]] == built.names


def test_an_exporter_that_cannot_be_built_is_no_error() -> None:
    """The span ends as if nothing had been; the log says so once a minute."""
    told: list[str] = []

    class Log(FailureLog):
        def tell(self, kind: str, message: str, error: BaseException | None = None) -> None:
            told.append(f"{kind}: {message} {error}")

    def fail() -> Sequence[SpanProcessor]:
        raise ValueError("no such host")

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(LazySpans(fail, Log(Clock())))
    provider.get_tracer("test").start_span("lost").end()
    assert ["spans: celery-otel exports no spans here: an exporter could not be built. no such host"] == told
