"""Queues on a real RabbitMQ, with and without its management API."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from tests.integration.api.queue_scene import QueueScene


@dataclass
class Broker:
    """A RabbitMQ with its management API."""

    server: RabbitMQServer
    place: str

    def management(self, password: str = "guest") -> str:  # noqa: S107  # of every new node
        """The address of its management API."""
        return f"http://guest:{password}@{self.place}"


def _answers(place: str) -> bool:
    try:
        with urlopen(f"http://{place}/", timeout=5):  # our own server
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all tests here: it takes long to start."""
    directory, port = tmp_path_factory.mktemp("rabbitmq"), free_port()
    (directory / "enabled_plugins").write_text("[rabbitmq_management].\n")
    (directory / "rabbitmq.conf").write_text(
        f"management.tcp.ip = {LOOPBACK}\nmanagement.tcp.port = {port}\ncollect_statistics_interval = 500\n"
    )
    place = f"{LOOPBACK}:{port}"
    with RabbitMQServer(directory) as server:
        wait_until(lambda: _answers(place), deadline=60, message="the management API does not answer")
        yield Broker(server, place)


_numbers = count()


@pytest.fixture
def queue() -> str:
    """A queue of its own."""
    return f"queue{next(_numbers)}"


def test_length_and_consumers_are_the_brokers(broker: Broker, tmp_path: Path, queue: str) -> None:
    """What is prefetched is not in the length, and adds up with it."""
    with QueueScene(broker.server.url, tmp_path) as scene, scene.api(queues=(queue,)) as api:
        scene.publish(9, queue)
        found = api.queue(queue)
        assert (9, 0, 9) == (found["length"], found["consumers"], found["backlog"])
        scene.worker("w1", queue)
        found = api.eventually({"active": 1, "reserved": 4, "backlog": 9}, queue)
        assert (4, 1) == (found["length"], found["consumers"])
        assert "RABBITMQ_MANAGEMENT_URL" in found["reasons"]["unacknowledged"]
        assert "without taking it" in found["reasons"]["oldest_message_age_seconds"]


def test_a_queue_that_does_not_exist_is_not_empty(broker: Broker, tmp_path: Path, queue: str) -> None:
    """It is null and says so, and those beside it are read all the same."""
    with QueueScene(broker.server.url, tmp_path) as scene, scene.api(queues=("0nobody", queue, "nobody")) as api:
        scene.publish(2, queue)
        found = api.queue("nobody")
        assert (None, None, None) == (found["length"], found["consumers"], found["backlog"])
        assert "has no queue nobody" in found["reasons"]["length"]
        assert "has no queue nobody" in found["reasons"]["unacknowledged"]
        assert 2 == api.queue(queue)["length"]


def test_the_management_api_knows_what_is_out(broker: Broker, tmp_path: Path, queue: str) -> None:
    """It is some seconds late."""
    with (
        QueueScene(broker.server.url, tmp_path, task_acks_late=True) as scene,
        scene.api(queues=(queue,), rabbitmq_management_url=broker.management()) as api,
    ):
        scene.publish(7, queue)
        worker = scene.worker("w1", queue)
        found = api.eventually({"active": 1, "reserved": 3, "unacknowledged": 4, "unreported": 0}, queue)
        assert {"oldest_message_age_seconds", "length_by_priority"} == set(found["reasons"])
        assert 7 == found["backlog"]
        worker.kill()
        api.eventually({"length": 7, "unacknowledged": 0, "backlog": 7, "consumers": 0}, queue)


def test_the_management_api_knows_how_fast_messages_come(broker: Broker, tmp_path: Path, queue: str) -> None:
    """In messages per second: while some come, and none are taken."""
    with (
        QueueScene(broker.server.url, tmp_path) as scene,
        scene.api(queues=(queue,), rabbitmq_management_url=broker.management()) as api,
    ):

        def rates() -> dict[str, float]:
            scene.publish(5, queue)
            # On a busy machine a survey may come too late, and then nothing is known of the queue.
            found: dict[str, float] = api.queue(queue).get("rates") or {}
            return found if found.get("published") else {}

        found = wait_until(rates, deadline=30, message=lambda: f"no rate in {api.queue(queue)}")
        assert (0, 0) == (found["delivered"], found["acknowledged"])


def test_a_wrong_password_is_told_and_not_shown(broker: Broker, tmp_path: Path, queue: str) -> None:
    """What AMQP tells is there all the same."""
    address = broker.management("sesame")
    with (
        QueueScene(broker.server.url, tmp_path) as scene,
        scene.api(queues=(queue,), rabbitmq_management_url=address) as api,
    ):
        scene.publish(1, queue)
        found = api.queue(queue)
        assert 1 == found["length"]
        assert "HTTP 401" in found["reasons"]["unacknowledged"]
        assert "sesame" not in str(found)


def test_a_broker_that_hangs_is_noticed(broker: Broker, tmp_path: Path, queue: str) -> None:
    """A server that takes connections and says nothing more is away; every answer comes all the same."""
    with QueueScene(broker.server.url, tmp_path) as scene, scene.api(deadline=1.0, queues=(queue,)) as api:
        scene.publish(3, queue)
        api.eventually({"length": 3}, queue)
        broker.server.process.signal(signal.SIGSTOP)
        try:
            found = api.gone()
        finally:
            broker.server.process.signal(signal.SIGCONT)
        assert {None} == {one["length"] for one in found["queues"]}
        api.eventually({"length": 3}, queue)


def test_a_broker_that_is_gone_is_not_an_empty_queue(tmp_path: Path) -> None:
    """Nobody listens there: nothing is known."""
    with QueueScene(f"amqp://guest:sesame@{LOOPBACK}:{free_port()}//", tmp_path) as scene, scene.api() as api:
        found = api.queues()
        assert not found["broker_connected"]
        assert found["queues"][0]["length"] is None
        assert "sesame" not in str(found)
