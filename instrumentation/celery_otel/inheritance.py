"""How a program that a task starts as a subprocess finds the way to the task's worker.

By an inherited file descriptor, whose number and inode stand in its environment: a program that is started further
down, without that descriptor, may have another file under the same number.
"""

import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanContext, TraceFlags

from celery_otel.core.span import TRACEPARENT_FORM
from celery_otel.relay_sender import Sender
from celery_otel.relay_span import traceparent

RELAY = "CELERY_OTEL_RELAY"
"""The environment variable of the way to the worker: file descriptor and inode."""
TRACEPARENT = "TRACEPARENT"
"""The one of the task's span."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a subprocess has of the task that started it.

    Attributes:
        sender: Sends to the task's worker.
        context: Who the task's span is; None if that is not known.
    """

    sender: Sender
    context: SpanContext | None


def bequeathed(descriptor: int, span: Span | None) -> dict[str, str]:
    """What stands in the environment of a program that inherits a descriptor, and the task's span if that is known."""
    return {RELAY: _name(descriptor), TRACEPARENT: "" if span is None else traceparent(span.get_span_context())}


class Heir:
    """A process that may have been started by a task with `subprocess_options`."""

    def __init__(self) -> None:
        self._name = ""
        self._sender: Sender | None = None
        self._socket: socket.socket | None = None

    def found(self, environ: Mapping[str, str]) -> Inherited | None:
        """What it has of the task; None if it has nothing."""
        name = environ.get(RELAY, "")
        if name != self._name:
            # Once: what could not be sent is told with what can.
            self._open(name)
        return None if self._sender is None else Inherited(self._sender, _context(environ.get(TRACEPARENT, "")))

    def close(self) -> None:
        """Gives back what it has opened."""
        if self._socket is not None:
            self._socket.close()
        self._name, self._sender, self._socket = "", None, None

    def _open(self, name: str) -> None:
        self.close()
        self._name = name
        try:
            descriptor = int(name.partition(":")[0])
            if name == _name(descriptor):
                self._socket = socket.socket(fileno=os.dup(descriptor))
                self._sender = Sender(self._socket)
        except (ValueError, OSError):
            # Another file, or none: whoever started this process did not hand it down.
            return


HEIR = Heir()
"""This process."""


def _name(descriptor: int) -> str:
    found = os.fstat(descriptor)
    return f"{descriptor}:{found.st_ino}" if stat.S_ISSOCK(found.st_mode) else ""


def _context(traceparent: str) -> SpanContext | None:
    found = TRACEPARENT_FORM.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
