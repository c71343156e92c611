"""Log lines that name the trace: every record that is logged while a task runs says in which span.

The fields are those of `opentelemetry-instrumentation-logging`; where that is at work, nothing is done twice. Celery's
format for the lines of tasks shows them, as long as it is Celery's own and not the user's.
"""

import copy
import logging
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from celery import signals
from celery.app.defaults import DEFAULT_TASK_LOG_FMT
from opentelemetry import trace

from celery_otel.hooks.installed import connected

FORMAT = f"{DEFAULT_TASK_LOG_FMT} trace_id=%(otelTraceID)s span_id=%(otelSpanID)s"
"""Celery's format for the lines of tasks, with the ids behind the message."""


class TaskLogs:
    """The fields on records and in lines, installed while it is entered.

    Args:
        service_name: The service, which the records name too.
    """

    def __init__(self, service_name: str) -> None:
        self._service_name = service_name
        self._stack = ExitStack()
        self._make: Any = logging.LogRecord

    def __enter__(self) -> Self:
        self._make = logging.getLogRecordFactory()
        self._install_factory()
        # Of a logging that is set up already, and of one that is yet to be: a child may set it up again.
        self._extend(logging.getLogger("celery.task"))
        self._stack.enter_context(connected(signals.after_setup_task_logger, self._on_setup))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _install_factory(self) -> None:
        factory = self._record
        logging.setLogRecordFactory(factory)
        self._stack.callback(self._uninstall_factory, factory)

    def _uninstall_factory(self, factory: Any) -> None:
        # Somebody who has wrapped ours keeps what they have.
        if logging.getLogRecordFactory() is factory:
            logging.setLogRecordFactory(self._make)

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **kwargs)
        if not hasattr(record, "otelTraceID"):
            record.__dict__.update(span_fields(self._service_name))
        return record

    def _on_setup(self, logger: Any = None, **_: Any) -> None:
        self._extend(logger)

    def _extend(self, logger: logging.Logger) -> None:
        for handler in logger.handlers:
            formatter = handler.formatter
            if formatter is not None and formatter._fmt == DEFAULT_TASK_LOG_FMT:  # noqa: SLF001  # it has no public name
                self._replace_formatter(handler, formatter)

    def _replace_formatter(self, handler: logging.Handler, formatter: logging.Formatter) -> None:
        extended = _extended(formatter)
        handler.setFormatter(extended)
        self._stack.callback(_put_back, handler, extended, formatter)


def _extended(formatter: logging.Formatter) -> logging.Formatter:
    extended = copy.copy(formatter)
    # With defaults, for a record that was made without the factory: its line must not be lost.
    extended._style = logging.PercentStyle(FORMAT, defaults={"otelTraceID": "0", "otelSpanID": "0"})  # noqa: SLF001  # it has no public name
    extended._fmt = FORMAT  # noqa: SLF001  # it has no public name
    return extended


def _put_back(handler: logging.Handler, extended: logging.Formatter, original: logging.Formatter) -> None:
    if handler.formatter is extended:
        handler.setFormatter(original)


def span_fields(service_name: str) -> dict[str, Any]:
    """The fields of a record that is logged now."""
    context = trace.get_current_span().get_span_context()
    valid = context.is_valid
    return {
        "otelTraceID": f"{context.trace_id:032x}" if valid else "0",
        "otelSpanID": f"{context.span_id:016x}" if valid else "0",
        "otelTraceSampled": context.trace_flags.sampled,
        "otelServiceName": service_name,
    }
