"""Attacks the collector's receivers: garbage in each protocol, and what a worker has sent is exact all the same."""

import contextlib
import gzip
import http.client
import random
import socket
from urllib.parse import urlsplit

import psutil
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch
from tests.attacks.verdict import Verdict

MEGABYTE = 1_000_000
COUNTED = 41
PATHS = ("/v1/metrics", "/v1/traces", "/v1/logs", "/v1/../metrics", "/" + "x" * 10_000)
KINDS = ("application/x-protobuf", "application/json", "text/plain", "")
#: Bytes of zeros that a bomb unpacks to, and what the collector may have grown by afterwards, in megabytes.
BOMB, MEMORY = 128 * MEGABYTE, 256.0
DEEP = 100_000


class Honest:
    """A worker's way of sending, whose counter must stay exact.

    Args:
        collector: Where it sends.
    """

    def __init__(self, collector: Collector) -> None:
        exporter = OTLPMetricExporter(f"{collector.otlp_http_endpoint}/v1/metrics")
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        resource = Resource({"service.name": "shop", "service.instance.id": "w1@host"})
        self._provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._provider.get_meter("celery_otel").create_counter("celery.task", unit="{task}").add(
            COUNTED, {"task_name": "add", "status": "success"}
        )

    def send(self) -> bool:
        """Exports; whether it was taken."""
        return bool(self._provider.force_flush())

    def close(self) -> None:
        """Ends it."""
        self._provider.shutdown()


def attack(collector: Collector, requests: int, seed: int) -> Verdict:
    """Sends so many requests of garbage over HTTP, and bombs, and noise to both ports.

    Args:
        collector: The collector.
        requests: How many of the random ones.
        seed: Decides them.
    """
    verdict = Verdict("garbage to the collector's receivers", requests)
    before = psutil.Process(collector.process.pid).memory_info().rss / MEGABYTE
    honest = Honest(collector)
    with contextlib.closing(honest):
        verdict.hold(honest.send(), "it does not take what is right")
        _throw(collector, requests, random.Random(seed), verdict)
        _bombs(collector, verdict)
        _noise(collector, random.Random(seed))
        verdict.hold(collector.process.alive, "the collector ends")
        verdict.hold(collector.answers(), "it answers no more")
        verdict.hold(honest.send(), "it does not take any more what is right")
        _hold_series(collector, verdict)
    grown = psutil.Process(collector.process.pid).memory_info().rss / MEGABYTE - before
    verdict.hold(grown < MEMORY, f"it has grown by {grown:.0f} MB")
    verdict.remarks.append(f"{grown:+.0f} MB")
    return verdict


def _throw(collector: Collector, number: int, chance: random.Random, verdict: Verdict) -> None:
    for _ in range(number):
        kind, path = chance.choice(KINDS), chance.choice(PATHS)
        # No whole message of OTLP: that begins with the tag of its one field.
        body = b"\xff" + chance.randbytes(chance.randrange(5_000))
        packed = chance.random() < 1 / 3
        status = _post(collector, path, kind, gzip.compress(body) if packed else body, "gzip" if packed else "")
        verdict.hold(status >= 300, f"{path[:20]} as {kind!r} is answered {status}")


def _bombs(collector: Collector, verdict: Verdict) -> None:
    bombs = {
        "zeros, gzipped": ("application/x-protobuf", gzip.compress(bytes(BOMB), 1), "gzip"),
        "lists, gzipped": ("application/json", gzip.compress(b"[" * (BOMB // 8), 1), "gzip"),
        "lists": ("application/json", b'{"resourceMetrics":' + b"[" * DEEP, ""),
        "objects": ("application/json", b'{"resourceMetrics":[{"resource":' * DEEP, ""),
        "no gzip": ("application/x-protobuf", b"\x1f\x8bnot", "gzip"),
        "an encoding that does not exist": ("application/x-protobuf", b"x", "nonsense"),
        "a length of 2 GB": ("application/x-protobuf", b"\x0a\xff\xff\xff\xff\x07", ""),
    }
    verdict.sent += len(bombs)
    for name, (kind, body, encoding) in bombs.items():
        status = _post(collector, "/v1/metrics", kind, body, encoding)
        verdict.hold(status >= 400, f"{name}: {status}")


def _post(collector: Collector, path: str, kind: str, body: bytes, encoding: str) -> int:
    """The status of the answer; 499 stands for a connection that was closed without one."""
    headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
    connection = http.client.HTTPConnection(urlsplit(collector.otlp_http_endpoint).netloc, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        return 499
    finally:
        connection.close()


def _noise(collector: Collector, chance: random.Random, times: int = 50) -> None:
    for endpoint in (collector.otlp_http_endpoint, collector.otlp_grpc_endpoint):
        address = urlsplit(endpoint)
        for _ in range(times):
            with (
                socket.create_connection((str(address.hostname), address.port or 0), timeout=5) as connection,
                contextlib.suppress(OSError),
            ):
                connection.sendall(chance.choice([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b""]) + chance.randbytes(2_000))


def _hold_series(collector: Collector, verdict: Verdict) -> None:
    families = list(text_string_to_metric_families(fetch(collector.metrics_url)))
    found = {sample.name: sample.value for family in families for sample in family.samples}
    verdict.hold(found.get("celery_task_total") == COUNTED, f"celery_task_total is {found.get('celery_task_total')}")
    foreign = found.keys() - {"celery_task_total", "target_info"}
    verdict.hold(not foreign, f"series of garbage: {foreign}")
