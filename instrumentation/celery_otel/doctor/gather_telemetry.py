"""Asks the collector and Prometheus what they have."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from celery_otel.broker import said
from celery_otel.doctor import http
from celery_otel.doctor.duration import seconds
from celery_otel.doctor.facts import Page, Reached, WorkerSeries
from celery_otel.names import WORKER_HEARTBEAT_TIMESTAMP, WORKER_POOL_SIZE
from celery_otel.settings import OPTIONS, Settings

_PORTS = {"grpc": 4317, "http/protobuf": 4318}
_LABEL = "worker_name"
_PROTOBUF = {"Content-Type": "application/x-protobuf"}


def collector(settings: Settings, environ: Mapping[str, str]) -> Reached | None:
    """Whether the collector is where the metrics go; None if they go elsewhere."""
    if settings.disabled or "otlp" not in settings.exporters:
        return None
    endpoint = _endpoint(settings, environ)
    if settings.protocol == "grpc":
        return _connected(endpoint)
    headers = {**OPTIONS["headers"].read(environ), **OPTIONS["metrics_headers"].read(environ)}
    return _posted(endpoint, headers)


def _endpoint(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where metrics go, as the exporters find it."""
    own = OPTIONS["metrics_endpoint"].read(environ)
    general = own or OPTIONS["endpoint"].read(environ) or f"http://localhost:{_PORTS[settings.protocol]}"
    return str(general) if own or settings.protocol == "grpc" else f"{general.rstrip('/')}/v1/metrics"


def _connected(endpoint: str) -> Reached:
    address, begun = urlsplit(endpoint), time.monotonic()
    try:
        port = address.port or _PORTS["grpc"]
        with socket.create_connection((address.hostname, port), timeout=http.TIMEOUT):
            return Reached(http.without_password(endpoint), seconds=time.monotonic() - begun)
    except OSError as error:
        return Reached(http.without_password(endpoint), error=said(error))


def _posted(endpoint: str, headers: Mapping[str, str]) -> Reached:
    """Sends an export without any metrics, which is what an empty message of protobuf is."""
    begun = time.monotonic()
    where = http.without_password(endpoint)
    try:
        response = http.request("POST", endpoint, headers={**_PROTOBUF, **headers, "Content-Length": "0"})
    except http.FetchError as error:
        return Reached(where, error=str(error))
    return Reached(where, seconds=time.monotonic() - begun, status=response.status)


def collector_page(url: str) -> Page:
    """The workers' series on the page that Prometheus scrapes."""
    return _page(url, lambda where: Page(Reached(where), _samples(http.fetch(url))))


def prometheus(url: str) -> Page:
    """The workers' series in Prometheus, and from where it has them."""
    return _page(url, lambda where: _known(where, url))


def _known(where: str, url: str) -> Page:
    series, targets = _queried(url), _targets(url)
    return Page(Reached(where), series, targets, _scraped_every(url, targets))


def _page(url: str, read: Callable[[str], Page]) -> Page:
    where = http.without_password(url)
    try:
        return read(where)
    except http.FetchError as error:
        return Page(Reached(where, error=str(error)))


def _samples(text: str) -> tuple[WorkerSeries, ...]:
    try:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except ValueError as error:
        raise http.FetchError("it is no page of metrics") from error
    sizes = [sample.labels for sample in samples if sample.name == WORKER_POOL_SIZE.series]
    beats = [(sample.labels, sample.value) for sample in samples if sample.name == WORKER_HEARTBEAT_TIMESTAMP.series]
    return _series(sizes, beats)


def _queried(url: str) -> tuple[WorkerSeries, ...]:
    sizes = [labels for labels, _ in _query(url, WORKER_POOL_SIZE.series)]
    return _series(sizes, _query(url, WORKER_HEARTBEAT_TIMESTAMP.series))


def _query(url: str, expression: str) -> list[tuple[dict[str, str], float]]:
    found = http.ask_prometheus(url, "/api/v1/query", query=expression)
    return [(_plain(sample["metric"]), float(sample["value"][1])) for sample in found["result"]]


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "__name__"}


def _targets(url: str) -> tuple[str, ...]:
    """What the workers' series are scraped from."""
    found: list[dict[str, Any]] = http.ask_prometheus(url, "/api/v1/targets/metadata", metric=WORKER_POOL_SIZE.series)
    return tuple(sorted({_name(target["target"]) for target in found}))


def _scraped_every(url: str, targets: tuple[str, ...]) -> float:
    """The longest time between two scrapes of these, in seconds; 0 where Prometheus, or what is before it, hides it."""
    try:
        active: list[dict[str, Any]] = http.ask_prometheus(url, "/api/v1/targets", state="active")["activeTargets"]
    except http.FetchError:
        return 0.0
    every = (seconds(target.get("scrapeInterval", "")) for target in active if _name(target["labels"]) in targets)
    return max((one or 0.0 for one in every), default=0.0)


def _name(target: Mapping[str, str]) -> str:
    return f"{target.get('job', '?')} at {target.get('instance', '?')}"


def _series(sizes: list[dict[str, str]], beats: list[tuple[dict[str, str], float]]) -> tuple[WorkerSeries, ...]:
    # Of several beats under one name the newest counts.
    newest: dict[str, float] = {}
    for labels, value in beats:
        name = labels.get(_LABEL, "")
        newest[name] = max(value, newest.get(name, value))
    return tuple(WorkerSeries(labels.get(_LABEL, ""), labels, newest.get(labels.get(_LABEL, ""))) for labels in sizes)
