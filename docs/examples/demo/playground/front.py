"""The web front: an order comes in by HTTP, and becomes tasks.

OpenTelemetry's package for WSGI makes a span of the request; the call of `instrument` in `app.py` makes the spans of
what is published meanwhile. `python -m playground.front PORT` serves it on loopback.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server

from celery import chain
from celery.canvas import Signature
from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

from .app import app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ORDERS = "/orders"
# The names alone: this process needs none of what the tasks import.
PAGE = "playground.fetch.page"
COUNT = "playground.texts.count_text"
SEARCH = "playground.training.search"
SEARCH_SECONDS = 2


def order(wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Publish the tasks of an order: a page is fetched, then its words are counted; a search runs beside them.

    Args:
        wanted: For page, count_text and search the `task_id` to use, and the task's arguments.
    """
    chain(_signature(PAGE, wanted["page"]), _signature(COUNT, wanted["count_text"]), app=app).apply_async()
    _signature(SEARCH, wanted["search"]).apply_async(time_limit=SEARCH_SECONDS)


def _signature(task: str, wanted: Mapping[str, Any]) -> Signature:
    kwargs = dict(wanted)
    return app.signature(task, task_id=kwargs.pop("task_id"), kwargs=kwargs)


def front(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer a request: an order gets the id of its trace, to ask for when something went wrong."""
    if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", ORDERS):
        return _answer(start_response, HTTPStatus.NOT_FOUND, {})
    order(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
    context = trace.get_current_span().get_span_context()
    return _answer(start_response, HTTPStatus.ACCEPTED, {"trace_id": trace.format_trace_id(context.trace_id)})


def _answer(start_response: "StartResponse", status: HTTPStatus, content: Mapping[str, str]) -> Iterable[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(content).encode()]


if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), OpenTelemetryMiddleware(front)) as server:
        server.serve_forever()
