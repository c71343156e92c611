"""Records name the span they were logged in, and the lines of tasks show it."""

import io
import logging
from collections.abc import Iterator

import pytest
from celery import Celery, signals
from celery.app.defaults import DEFAULT_TASK_LOG_FMT
from celery.app.log import TaskFormatter
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from celery_otel.hooks.task_logs import TaskLogs

SPAN = NonRecordingSpan(SpanContext(0xAB, 0xCD, is_remote=False, trace_flags=TraceFlags(1)))
TRACE_ID, SPAN_ID = f"{0xAB:032x}", f"{0xCD:016x}"
LOGGER = logging.getLogger("celery.task")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where the lines of tasks go, in Celery's own format."""
    with lines_in(DEFAULT_TASK_LOG_FMT) as stream:
        yield stream


class lines_in:  # noqa: N801  # a context manager
    """Sends the lines of tasks to a text, in a format."""

    def __init__(self, text: str) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(TaskFormatter(text, use_color=False))

    def __enter__(self) -> io.StringIO:
        LOGGER.addHandler(self.handler)
        return self.stream

    def __exit__(self, *_: object) -> None:
        LOGGER.removeHandler(self.handler)


def test_a_line_says_in_which_span_it_was_logged(lines: io.StringIO) -> None:
    """Inside a span the ids are its own; outside, 0."""
    with TaskLogs("shop"):
        with trace.use_span(SPAN):
            LOGGER.warning("inside")
        LOGGER.warning("outside")
    inside, outside = lines.getvalue().splitlines()
    assert inside.endswith(f"???[???]: inside trace_id={TRACE_ID} span_id={SPAN_ID}")
    assert outside.endswith("???[???]: outside trace_id=0 span_id=0")


def test_records_have_the_fields_of_the_logging_instrumentation(caplog: pytest.LogCaptureFixture) -> None:
    """The four fields that users of opentelemetry-instrumentation-logging know, on records of any logger."""
    with TaskLogs("shop"):
        with trace.use_span(SPAN):
            logging.getLogger("shop").warning("inside")
        logging.getLogger("shop").warning("outside")
    fields = [{key: vars(record)[key] for key in vars(record) if key.startswith("otel")} for record in caplog.records]
    inside = {"otelTraceID": TRACE_ID, "otelSpanID": SPAN_ID, "otelTraceSampled": True, "otelServiceName": "shop"}
    outside = {"otelTraceID": "0", "otelSpanID": "0", "otelTraceSampled": False, "otelServiceName": "shop"}
    assert [inside, outside] == fields


def test_fields_that_somebody_else_sets_stay(caplog: pytest.LogCaptureFixture) -> None:
    """Where the logging instrumentation is at work already, its fields are kept."""
    original = logging.getLogRecordFactory()

    def instrumented(*args: object, **kwargs: object) -> logging.LogRecord:
        record = original(*args, **kwargs)
        record.otelTraceID = "theirs"
        return record

    logging.setLogRecordFactory(instrumented)
    try:
        with TaskLogs("shop"):
            logging.getLogger("shop").warning("inside")
        assert logging.getLogRecordFactory() is instrumented
    finally:
        logging.setLogRecordFactory(original)
    assert ["theirs"] == [vars(record)["otelTraceID"] for record in caplog.records]
    assert "otelSpanID" not in vars(caplog.records[0])


def test_a_format_of_the_users_stays() -> None:
    """Only Celery's own format is extended."""
    with lines_in("%(message)s!") as lines, TaskLogs("shop"):
        LOGGER.warning("mine")
    assert "mine!\n" == lines.getvalue()


def test_a_record_from_elsewhere_keeps_its_line(lines: io.StringIO) -> None:
    """One that was made without the factory, as those of other processes are, is written, without ids."""
    with TaskLogs("shop"):
        LOGGER.handle(logging.LogRecord("celery.task", logging.WARNING, __file__, 1, "foreign", None, None))
    assert lines.getvalue().endswith("foreign trace_id=0 span_id=0\n")


def test_a_logging_that_is_set_up_later_is_extended_too(lines: io.StringIO) -> None:
    """A child may set its loggers up again: Celery says so by a signal."""
    handlers = list(LOGGER.handlers)
    LOGGER.handlers.clear()
    with TaskLogs("shop"):
        LOGGER.handlers.extend(handlers)
        signals.after_setup_task_logger.send(sender=None, logger=LOGGER)
        LOGGER.warning("inside")
    assert lines.getvalue().endswith("inside trace_id=0 span_id=0\n")


def test_it_is_taken_back(lines: io.StringIO) -> None:
    """Afterwards lines, formatter and factory are what they were, except for what somebody has put on top."""
    factory, formatter = logging.getLogRecordFactory(), LOGGER.handlers[-1].formatter
    with TaskLogs("shop"):
        assert factory is not logging.getLogRecordFactory()
    assert factory is logging.getLogRecordFactory()
    assert formatter is LOGGER.handlers[-1].formatter
    LOGGER.warning("after")
    assert lines.getvalue().endswith(": after\n")
    with TaskLogs("shop"):
        logging.setLogRecordFactory(logging.LogRecord)
        LOGGER.handlers[-1].setFormatter(None)
    assert logging.LogRecord is logging.getLogRecordFactory()
    assert LOGGER.handlers[-1].formatter is None


def test_celerys_format_is_the_one_that_applications_have() -> None:
    """What is compared is what an application has that sets nothing."""
    assert Celery(set_as_current=False).conf.worker_task_log_format == DEFAULT_TASK_LOG_FMT
