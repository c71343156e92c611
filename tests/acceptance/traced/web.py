"""The shop's web server, as far as traces go: one request, which publishes, in a process of its own.

`python -m tests.acceptance.traced.web <page>` prints, as JSON, the ids of the request's span and of the tasks.
"""

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from celery import chain, chord, group
from kombu.entity import Exchange, Queue
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

import celery_otel
from tests.acceptance.traced import application as shop
from tests.acceptance.traced.shared import CROWD, SECRET


def _chain() -> Any:
    return chain(shop.order.si(1), shop.label.si(), shop.order.si(3)).delay()


def _group() -> Any:
    return group(shop.order.si(number) for number in range(3)).delay()


def _chord() -> Any:
    return chord([shop.order.si(number) for number in range(3)], shop.label.si()).delay()


def _always_eager() -> Any:
    shop.app.conf.task_always_eager = True
    return shop.order.delay()


def _refused() -> Any:
    # Nobody listens there.
    shop.app.conf.broker_transport_options = {"max_retries": 0, "socket_connect_timeout": 1}
    try:
        return shop.order.apply_async(
            retry=False, connection=shop.app.connection_for_write(url="redis://127.0.0.1:1/0")
        )
    except Exception:  # noqa: BLE001  # what is thrown is kombu's and redis's business
        return None


def _broken() -> Any:
    """Publishes over a connection that has been broken meanwhile."""
    shop.order.delay()
    with shop.app.producer_pool.acquire(block=True) as producer:
        producer.connection.connection.sock.shutdown(socket.SHUT_RDWR)
    return shop.order.delay()


def _crowd() -> Any:
    """Many requests, each a trace of its own; gives the last one's task."""
    result = None
    for _ in range(CROWD):
        with trace.get_tracer("web").start_as_current_span("GET /ship", context=Context()):
            result = shop.ship.delay()
    return result


def _routed() -> Any:
    """Publishes to an exchange that has a name."""
    # Celery publishes to a queue of a direct exchange by the default one.
    queue = Queue(f"{shop.QUEUE}-routed", Exchange("routed", type="topic"), routing_key="orders.urgent")
    return shop.order.apply_async(queue=queue)


def _script() -> None:
    """Trains and tunes without a task, once with success and once without."""
    shop.work_on_models()
    with suppress(LookupError), celery_otel.training("forest"):
        raise LookupError(SECRET)
    with suppress(LookupError), celery_otel.tuning("grid"):
        raise LookupError(SECRET)


PAGES: dict[str, Callable[[], Any]] = {
    "chain": _chain,
    "group": _group,
    "chord": _chord,
    "eager": shop.label.apply,
    "eager_failure": shop.fail.apply,
    "always_eager": _always_eager,
    "poll": lambda: shop.poll.delay(2),
    "arguments": lambda: shop.order.delay(SECRET, card=SECRET),
    "later": lambda: shop.order.apply_async(countdown=0.5),
    "expired": lambda: shop.order.apply_async(expires=-1),
    "unknown": lambda: shop.app.send_task("shop.nowhere"),
    "long": lambda: shop.sleep.delay(60),
    "refused": _refused,
    "broken": _broken,
    "crowd": _crowd,
    "routed": _routed,
    "script": _script,
}
"""What a request does; a page of any other name publishes the task of that name."""


def main() -> None:
    """Answers one request."""
    page = sys.argv[1]
    visit = PAGES.get(page) or shop.app.tasks[f"shop.{page}"].delay
    with trace.get_tracer("web").start_as_current_span(f"GET /{page}", kind=SpanKind.SERVER) as span:
        result = visit()
    ids = span.get_span_context()
    task_id = result.id if result is not None else ""
    sys.stdout.write(
        json.dumps({"trace_id": f"{ids.trace_id:032x}", "span_id": f"{ids.span_id:016x}", "task_id": task_id})
    )


if __name__ == "__main__":
    main()
