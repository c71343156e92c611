"""Exports as many workers make them, sent as fast as they are taken: a worker's metrics, and spans of tasks."""

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource

from celery_otel import names
from celery_otel.core.outcome import Limit, ReturnCause, RevocationCause, Status
from celery_otel.metric import Distribution, Labels, Metric, Readings, Value
from celery_otel.telemetry.producer import MetricProducer

JOB = "sizing"
_SENDERS = 4
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_NANOSECONDS = 1_000_000_000
#: What a task's span bears, about 0.6 kB with its ids and times.
_ATTRIBUTES = {
    "messaging.system": "redis",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": "orders",
    "messaging.client.id": "worker-1@host-1.example.org",
    "celery.task.name": "shop.tasks.orders.confirm",
    "celery.task.state": "SUCCESS",
    "celery.task.origin": "gen1234@web-1.example.org",
    "celery.hostname": "worker-1@host-1.example.org",
    "celery.task.root_id": "d2f0c3a4-9a0e-4d35-8f52-0a5f6a3f9b11",
    "celery.task.parent_id": "5c1b7e1e-6f5d-4b44-9d0b-77c1ff1f6a02",
    "server.address": "redis.example.org",
}

Body = tuple[str, bytes]


def worker_names(number: int) -> list[str]:
    """The names of so many workers."""
    return [f"worker-{one}@host-{one // 4}" for one in range(number)]


def metrics_of(workers: Iterable[str], tasks: int, exports: int) -> Iterator[Body]:
    """So many exports of every worker, each with newer totals."""
    producers = [MetricProducer(_readings(tasks), _resource(worker), "0") for worker in workers]
    for _ in range(exports):
        for producer in producers:
            yield "/v1/metrics", encode_metrics(producer.produce()).SerializeToString()


def points_of(tasks: int) -> int:
    """How many metric points one export has."""
    return sum(len(series) for series in _readings(tasks)().values())


def _resource(worker: str) -> Resource:
    return Resource({"service.name": JOB, "service.instance.id": worker})


def _readings(tasks: int) -> Callable[[], Readings]:
    """What a worker with so many tasks reads, of which each has succeeded and failed; it grows with each reading."""
    total = iter(range(1, 1_000_000))

    def read() -> Readings:
        number = next(total)
        held = Distribution(_BOUNDS, (number, *([0] * len(_BOUNDS))), float(number))
        labels = {f"shop.tasks.task_{task}": number for task in range(tasks)}
        readings: dict[Metric, dict[Labels, Value]] = {
            names.TASK_RECEIVED: {(task,): number for task in labels},
            names.ACTIVE_TASKS: {(task,): 0 for task in labels},
            names.TASK_PREFETCH_TIME: {(task,): held for task in labels},
            names.TASK_QUEUE_TIME: {(task, "orders"): held for task in labels},
            names.TASK_DURATION: {(task, status): held for task in labels for status in ("success", "failure")},
        }
        for metric, values in (
            (names.TASK_TOTAL, Status),
            (names.TASK_RETURNED, ReturnCause),
            (names.TASK_TIMEOUTS, Limit),
            (names.TASK_REVOCATIONS, RevocationCause),
        ):
            readings[metric] = {(task, str(value)): number for task in labels for value in values}
        return readings

    return read


def spans(number: int, batch: int = 250) -> Iterator[Body]:
    """So many spans of tasks, each a trace of its own, in exports of `batch`."""
    for _ in range(number // batch):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        _fill(resource.resource.attributes, {"service.name": JOB, "service.instance.id": "worker-1@host-1"})
        scope = resource.scope_spans.add()
        scope.scope.name = "celery_otel"
        for _ in range(batch):
            _make(scope.spans.add())
        yield "/v1/traces", request.SerializeToString()


def _make(span: Span) -> None:
    now = time.time_ns()
    span.trace_id, span.span_id, span.parent_span_id = os.urandom(16), os.urandom(8), os.urandom(8)
    span.name = "process shop.tasks.orders.confirm"
    span.kind = Span.SpanKind.SPAN_KIND_CONSUMER
    span.start_time_unix_nano, span.end_time_unix_nano = now - _NANOSECONDS // 100, now
    _fill(span.attributes, {**_ATTRIBUTES, "messaging.message.id": span.span_id.hex()})


def _fill(attributes: Any, values: dict[str, str]) -> None:
    for key, value in values.items():
        attributes.add(key=key).value.string_value = value


class RefusedError(RuntimeError):
    """A collector did not take an export."""


def send(endpoint: str, bodies: Iterable[Body]) -> int:
    """Send exports by a few connections, as fast as they are taken; returns how many.

    Args:
        endpoint: As for OTEL_EXPORTER_OTLP_ENDPOINT.
        bodies: Paths and contents.

    Raises:
        RefusedError: One was not taken.
    """
    lock, source = threading.Lock(), iter(bodies)

    def taken() -> Body | None:
        with lock:
            return next(source, None)

    with ThreadPoolExecutor(_SENDERS) as pool:
        return sum(pool.map(lambda _: _pump(endpoint, taken), range(_SENDERS)))


def _pump(endpoint: str, taken: Callable[[], Body | None]) -> int:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
    sent = 0
    while body := taken():
        path, content = body
        connection.request("POST", path, content, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != HTTPStatus.OK:
            raise RefusedError(f"{endpoint}{path} answered {response.status}: {answer.decode(errors='replace')[:500]}")
        sent += 1
    connection.close()
    return sent
