"""The commands and variables of compose.yaml do what it promises, as plain processes: no Docker engine is needed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.fetching import fetch, is_reachable
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.redis import RedisServer
from tests.integration.deployment.local import LocalSystem, shown

SECONDS = 120.0
WORKER = "celery@worker-1"
STARTED = ("worker-1", "beat", "api", "load", "flower")


@dataclass(frozen=True)
class Running:
    """The services that run.

    Attributes:
        system: Where they are.
        collector: The collector that they send to.
        api: The API's address.
        processes: The processes, by service.
    """

    system: LocalSystem
    collector: Collector
    api: str
    processes: dict[str, Process]

    def wait(self, condition: Callable[[], Any], name: str) -> Any:
        """What a condition gives as soon as it is anything; else what a service has logged."""
        return wait_until(condition, deadline=SECONDS, message=lambda: shown(self.processes[name]), interval=0.3)

    def secret(self, volume: str, name: str) -> str:
        """What `prepare` has drawn."""
        return (self.system.volume(volume) / name).read_text().strip()

    def ask(self, path: str, token: str = "") -> httpx.Response:
        """What the API answers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(f"{self.api}{path}", headers=headers, timeout=10)

    def counted(self, *parts: str) -> bool:
        """Whether the collector shows a series with all these parts that is above 0."""
        lines = fetch(self.collector.metrics_url).splitlines()
        return any(all(part in line for part in parts) and float(line.split("}")[-1].split()[0]) > 0 for line in lines)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A worker, beat, the API, the load and Flower, with a broker and a collector."""
    directory = tmp_path_factory.mktemp("compose")
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(directory / "redis"))
        collector = stack.enter_context(Collector(directory / "collector"))
        system = LocalSystem(directory, addresses(directory, redis, collector))
        system.prepare()
        # What others reach the load by, and metrics every second, where compose.yaml leaves it at 15.
        here = {"HOSTNAME": LOOPBACK, "OTEL_METRIC_EXPORT_INTERVAL": "1000"}
        ports = {
            "CELERY_OTEL_API_PORT": system.addresses["127.0.0.1:8000"].rpartition(":")[2],
            "FLOWER_PORT": system.addresses["127.0.0.1:5555"].rpartition(":")[2],
        }
        processes = {name: system.process(name, here | ports) for name in STARTED}
        for process in processes.values():
            process.start()
            # Nothing is asked of their end, and a worker takes its time for that.
            stack.callback(process.kill)
        yield Running(system, collector, f"http://{system.addresses['127.0.0.1:8000']}", processes)


def addresses(directory: Path, redis: RedisServer, collector: Collector) -> dict[str, str]:
    """What stands for the addresses and paths of compose.yaml here. Nobody answers for Prometheus."""
    volumes = directory / "volumes"
    return {
        # Docker waits longer for whom it must not declare unhealthy too early.
        "--timeout 5": "--timeout 1",
        "redis:6379": redis.url.removeprefix("redis://").removesuffix("/0"),
        "http://collector:4318": collector.otlp_http_endpoint,
        "collector:8889": collector.metrics_target,
        "prometheus:9090": f"{LOOPBACK}:{free_port()}",
        "127.0.0.1:8000": f"{LOOPBACK}:{free_port()}",
        "127.0.0.1:5555": f"{LOOPBACK}:{free_port()}",
        "/run/secrets/logins": str(volumes / "flower-secrets/logins"),
        "/var/lib/flower": str(volumes / "flower-data"),
        "/run/secrets/tokens": str(volumes / "api-secrets/tokens"),
        "/var/lib/celery-otel": str(volumes / "worker-data"),
        "/var/lib/beat": str(volumes / "beat-data"),
    }


def test_the_api_sees_the_workers_of_compose_and_wants_the_token_that_was_drawn(running: Running) -> None:
    """The worker that runs is online, the other one is missed, and nobody is answered without a token."""
    token = running.secret("operator-secrets", "api-token")

    def seen() -> dict[str, str]:
        answer = running.ask("/api/v1/celery/workers/status?fresh=true", token)
        workers = {worker["name"]: worker["status"] for worker in answer.json()["workers"]}
        return workers if workers.get(WORKER) == "online" else {}

    running.wait(lambda: is_reachable(f"{running.api}/readyz"), "api")
    assert {WORKER: "online", "celery@worker-2": "offline"} == running.wait(seen, "worker-1")
    assert 401 == running.ask("/api/v1/celery/workers/status").status_code


def test_prometheus_may_scrape_the_api_with_its_token_and_do_nothing_else(running: Running) -> None:
    """The token in Prometheus' volume opens /metrics alone, which has the workers' series too."""
    token = running.secret("prometheus-secrets", "api-token")
    running.wait(lambda: is_reachable(f"{running.api}/readyz"), "api")

    assert 403 == running.ask("/api/v1/celery/workers/status", token).status_code
    running.wait(lambda: "celery_task_total{" in running.ask("/metrics", token).text, "api")


def test_beat_sends_what_the_worker_does(running: Running) -> None:
    """The schedule fires, and its tasks succeed."""
    for parts in (
        ("celery_beat_entry_last_fire_timestamp_seconds", 'entry="count-words"'),
        ("celery_task_total", "playground.texts.count_file", 'status="success"'),
    ):
        running.wait(partial(running.counted, *parts), "beat")
    assert list(running.system.volume("beat-data").glob("schedule*"))


def test_the_load_makes_tasks_fail(running: Running) -> None:
    """Its first order is fetched at the second attempt, while a search runs into its limit."""
    for parts in (
        ("celery_task_retries_total", "playground.fetch.page", 'reason="ServiceUnavailable"'),
        ("celery_task_timeouts_total", "playground.training.search", 'limit="hard"'),
    ):
        running.wait(partial(running.counted, *parts), "load")


@pytest.mark.parametrize("name", ["worker-1", "api", "flower"])
def test_the_health_check_of_a_service_that_works_succeeds(running: Running, name: str) -> None:
    """What Docker asks is answered."""
    running.wait(lambda: running.system.health_check(name).returncode == 0, name)


def test_flower_lets_in_who_has_the_login_that_was_drawn(running: Running) -> None:
    """Its page asks for the password that `prepare` shows, and takes no other."""
    user, _, password = running.secret("flower-secrets", "logins").partition(":")
    page = f"http://{running.system.addresses['127.0.0.1:5555']}/flower/workers"
    running.wait(lambda: running.system.health_check("flower").returncode == 0, "flower")

    assert 401 == httpx.get(page, timeout=10).status_code
    assert 401 == httpx.get(page, auth=(user, "guessed"), timeout=10).status_code
    assert 200 == httpx.get(page, auth=(user, password), timeout=10).status_code


def test_the_health_check_of_a_worker_that_is_not_there_fails(running: Running) -> None:
    """A worker under another name does not answer for it."""
    assert 0 != running.system.health_check("worker-2").returncode
