"""The service of an application on a port of its own, and what its `/metrics` shows."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from celery import Celery
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from celery_otel_api.application import application
from celery_otel_api.settings import ApiSettings
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port

Key = tuple[str, frozenset[tuple[str, str]]]


@contextmanager
def client_of(url: str) -> Iterator[Celery]:
    """The application as a web server has it."""
    with Celery("shop", broker=url, backend=url, set_as_current=False) as client:
        yield client


@contextmanager
def service(broker_url: str, **settings: Any) -> Iterator[httpx.Client]:
    """A client of the service of an application."""
    options = ApiSettings.read(**{"refresh_interval": 0.2, **settings})
    port = free_port()
    with client_of(broker_url) as app:
        server = uvicorn.Server(
            uvicorn.Config(application(app, options), LOOPBACK, port, ws="none", log_level="warning")
        )
        thread = threading.Thread(target=server.run, name="service")
        thread.start()
        try:
            wait_until(lambda: server.started, deadline=30, message="the service is to be up")
            with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def families(client: httpx.Client, accept: str = "text/plain") -> list[Metric]:
    """What `/metrics` shows."""
    answer = client.get("/metrics", headers={"Accept": accept})
    assert 200 == answer.status_code, answer.text
    parse = parse_openmetrics if "openmetrics" in answer.headers["content-type"] else parse_plain
    return list(parse(answer.text))


def series(client: httpx.Client, accept: str = "text/plain") -> dict[Key, float]:
    """The same, by name and labels; each is there once."""
    samples = [sample for family in families(client, accept) for sample in family.samples]
    keys = [key(sample.name, **sample.labels) for sample in samples]
    assert [] == [one for one, times in Counter(keys).items() if times > 1]
    return dict(zip(keys, (sample.value for sample in samples), strict=True))


def series_with(client: httpx.Client, expected: dict[Key, float], accept: str = "text/plain") -> dict[Key, float]:
    """The same, once these are among them: a worker on a busy machine does not answer each look in time."""
    found: dict[Key, float] = {}

    def complete() -> bool:
        found.clear()
        found.update(series(client, accept))
        return expected.items() <= found.items()

    wait_until(complete, deadline=30, message=lambda: f"{expected} is not in {found}")
    return found


def key(series_name: str, **labels: str) -> Key:
    """A series."""
    return series_name, frozenset(labels.items())
