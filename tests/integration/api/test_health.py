"""Health, as real workers and a real broker let it be."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from celery_otel_api.application import application
from celery_otel_api.settings import ApiSettings
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.redis import RedisServer
from tests.integration.api.queue_scene import QueueApi, QueueScene


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of its own, which tests stop."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


def eventually(
    api: QueueApi, status: str, is_so: Callable[[dict[str, Any]], bool] = bool
) -> tuple[int, dict[str, Any]]:
    """Waits for a status, and for what else the body has to say."""

    def found() -> list[tuple[int, dict[str, Any]]]:
        code, body = api.health()
        return [(code, body)] if body["status"] == status and is_so(body) else []

    return wait_until(found, deadline=30, message=lambda: f"expected {status}, got {api.health()}")[0]


def test_a_worker_makes_it_healthy(redis: RedisServer, tmp_path: Path) -> None:
    """Without one it is not, and it says what to do."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        code, body = api.health()
        assert (503, "unhealthy", 0, True) == (code, body["status"], body["workers"], body["broker_connected"])
        assert "Start one" in body["message"]
        scene.worker("w1")
        code, body = eventually(api, "healthy")
        assert (200, 1, []) == (code, body["workers"], body["reasons"])
        assert "All systems operational" == body["message"]


def test_a_killed_worker_is_missed(redis: RedisServer, tmp_path: Path) -> None:
    """Offline, or silent while its last heartbeat is fresh; with another one at work that is no reason for 503."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        first, _second = scene.worker("w1"), scene.worker("w2")
        eventually(api, "healthy", lambda body: body["workers"] == 2)
        first.kill()
        code, body = eventually(api, "degraded", lambda body: body["workers"] == 1)
        assert (200, 1, [first.node_name]) == (code, body["workers"], body["silent"] + body["offline"])
        assert first.node_name in body["message"]


def test_messages_that_nobody_takes_are_noticed(redis: RedisServer, tmp_path: Path) -> None:
    """The queue is named, and how to consume it."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(queues=("mail",)) as api:
        scene.worker("w1")
        eventually(api, "healthy")
        scene.publish(2, "mail")
        noticed = "The queue mail holds 2 messages and nobody consumes it"
        code, _ = eventually(api, "degraded", lambda body: body["reasons"][0].startswith(noticed))
        assert 200 == code


def test_without_a_broker_it_is_unhealthy(redis: RedisServer, tmp_path: Path) -> None:
    """As JSON of the same form, with the time after which to ask again, and without any worker called dead."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        scene.worker("w1")
        eventually(api, "healthy")
        redis.kill()
        code, body = eventually(api, "unhealthy")
        assert (503, False, []) == (code, body["broker_connected"], body["offline"])
        response = api.client.get("/api/v1/celery/health")
        assert ("application/json", "1") == (response.headers["content-type"], response.headers["retry-after"])


def test_a_broker_that_hangs_is_unhealthy(redis: RedisServer, tmp_path: Path) -> None:
    """Though it takes connections."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(deadline=1.0) as api:
        scene.worker("w1")
        eventually(api, "healthy")
        redis.process.signal(signal.SIGSTOP)
        try:
            code, _ = eventually(api, "unhealthy")
        finally:
            redis.process.signal(signal.SIGCONT)
        assert 503 == code


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name that http.server calls
        """Answers as a collector without any series does."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def test_a_collector_that_is_away_degrades(redis: RedisServer, tmp_path: Path) -> None:
    """Where it was configured; it is healthy again when the collector is back."""
    port = free_port()
    address = f"http://user:secret@127.0.0.1:{port}/metrics"
    with QueueScene(redis.url, tmp_path) as scene, scene.api(collector_metrics_url=address) as api:
        scene.worker("w1")
        code, body = eventually(api, "degraded", lambda body: "Connection refused" in body["message"])
        assert 200 == code
        assert f"http://127.0.0.1:{port}/metrics" in body["message"]
        assert "secret" not in str(body)
        with HTTPServer(("127.0.0.1", port), _Metrics) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            eventually(api, "healthy")
            server.shutdown()


def test_probes_never_ask_the_broker(redis: RedisServer, tmp_path: Path) -> None:
    """They answer in plain text, whoever asks, when it hangs too."""
    redis.process.signal(signal.SIGSTOP)
    try:
        with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
            live, ready = api.client.get("/livez"), api.client.get("/readyz")
    finally:
        redis.process.signal(signal.SIGCONT)
    assert (200, "alive\n") == (live.status_code, live.text)
    assert (200, "ready\n") == (ready.status_code, ready.text)
    assert ready.headers["content-type"].startswith("text/plain")


async def unstarted(scene: QueueScene) -> list[int]:
    """How ready and alive a service is whose start nobody has waited for."""
    transport = httpx.ASGITransport(application(scene.app, ApiSettings.read()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return [(await client.get(path)).status_code for path in ("/readyz", "/livez")]


def test_a_service_that_has_not_started_is_not_ready(redis: RedisServer, tmp_path: Path) -> None:
    """But it is alive."""
    with QueueScene(redis.url, tmp_path) as scene:
        assert [503, 200] == asyncio.run(unstarted(scene))
