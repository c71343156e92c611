"""Each server starts, answers, is killed, starts again where it was, and leaves nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kombu.connection import Connection
from kombu.entity import Queue
from redis import Redis

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.server import Server
from tests.integration.pipeline.owners import owner
from tests.integration.pipeline.survivors import processes_of, wait_until_gone

MAKERS: dict[str, Callable[[Path], Server]] = {
    "redis": RedisServer,
    "rabbitmq": RabbitMQServer,
    "collector": Collector,
    "prometheus": lambda directory: PrometheusServer(directory, targets={}),
    "jaeger": JaegerServer,
}
each_server = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@each_server
def test_server_answers_again_after_a_kill(make: Callable[[Path], Server], tmp_path: Path) -> None:
    """A killed server is silent, its next start serves the same address, and at the end no process remains."""
    server = make(tmp_path)
    with server:
        assert server.answers()
        first = server.pid

        server.kill()
        assert not server.alive
        assert not server.answers()

        server.restart()
        assert server.answers()
        assert server.pid != first

    assert not server.answers()
    wait_until_gone(tmp_path)


@each_server
def test_two_of_a_kind_run_side_by_side(make: Callable[[Path], Server], tmp_path: Path) -> None:
    """Nothing in a server, no port, name or file, is shared with another."""
    with make(tmp_path / "one") as one, make(tmp_path / "two") as two:
        assert one.answers()
        assert two.answers()


OWNER = """
import sys
from pathlib import Path
from tests.integration.pipeline.test_servers import MAKERS

server = MAKERS[sys.argv[1]](Path(sys.argv[2]))
server.start()
print("up", flush=True)
server.process.wait(600)
"""


@pytest.mark.parametrize("name", MAKERS)
def test_no_server_outlives_its_killed_owner(name: str, tmp_path: Path) -> None:
    """When the program that started a server is SIGKILLed, the server and all its helpers go."""
    with owner(OWNER, name, str(tmp_path)) as running:
        assert running.output.readline() == "up\n"
        assert processes_of(tmp_path)

        running.kill()
        wait_until_gone(tmp_path)


def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A server that ends at its start is an error at once, with what it logged."""
    server = Collector(tmp_path, metric_expiration="soon")

    with pytest.raises(ProcessDiedError, match="metric_expiration"):
        server.start()
    wait_until_gone(tmp_path)


def test_redis_keeps_messages_over_a_kill(tmp_path: Path) -> None:
    """A message that Redis has accepted is there after SIGKILL."""
    with RedisServer(tmp_path) as server:
        with redis_client(server) as client:
            client.rpush("celery", "message")
        server.kill()
        server.start()
        with redis_client(server) as client:
            assert client.lrange("celery", 0, -1) == [b"message"]


@contextmanager
def redis_client(server: RedisServer) -> Iterator["Redis"]:
    """Give a client that is closed at the end."""
    with Redis.from_url(server.url) as client:
        yield client


def test_rabbitmq_keeps_messages_over_a_restart(tmp_path: Path) -> None:
    """A persistent message in a durable queue is there after a restart."""
    with RabbitMQServer(tmp_path) as server:
        with Connection(server.url) as connection, connection.Producer() as producer:
            # Declared first, and confirmed, so that the message is on disk before the restart.
            producer.publish({"n": 1}, routing_key="tasks", declare=[Queue("tasks", durable=True)], delivery_mode=2)
        server.restart()
        with Connection(server.url) as connection:
            waiting = connection.SimpleQueue(Queue("tasks", durable=True))
            assert waiting.get(timeout=30).payload == {"n": 1}
            waiting.close()


def test_prometheus_keeps_history_over_a_kill(tmp_path: Path) -> None:
    """What was scraped before SIGKILL is there after it."""
    with Collector(tmp_path / "c") as collector:
        targets = {"otel_collector": collector.telemetry_target}
        with PrometheusServer(tmp_path / "p", targets=targets) as server:
            wait_until(lambda: server.series("up"), deadline=30, message="nothing was scraped")
            before = server.series("up")[0].points[0]
            server.kill()
            server.start()

            assert before in server.series("up")[0].points


def test_collector_reports_on_itself(tmp_path: Path) -> None:
    """The collector's own series reach Prometheus under the job of the repository's configuration."""
    with Collector(tmp_path / "c") as collector:
        targets = {"otel_collector": collector.telemetry_target}
        with PrometheusServer(tmp_path / "p", targets=targets) as server:
            found = wait_until(
                lambda: server.query("otelcol_process_uptime_seconds_total or otelcol_process_uptime"),
                deadline=30,
                message=lambda: f"no uptime of the collector\n{collector.log}",
            )

    assert {sample.labels["job"] for sample in found} == {"otel_collector"}
