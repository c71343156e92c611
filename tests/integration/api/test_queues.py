"""Queues on a real Redis, with real workers."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from celery_otel.stamps import PUBLISHED_AT
from celery_otel_api import redis_unacked
from celery_otel_pipeline.redis import RedisServer
from tests.integration.api.queue_scene import QueueScene

PREFIX: dict[str, Any] = {"broker_transport_options": {"global_keyprefix": "shop:"}}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of its own: tests stop it, and count what it holds."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


def test_priorities_are_one_length(redis: RedisServer, tmp_path: Path) -> None:
    """Kombu keeps a list for each: ten messages in four of them are ten, though nobody consumes them."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        for priority, number in {0: 1, 3: 2, 6: 3, 9: 4}.items():
            scene.publish(number, priority=priority)
        found = api.queue()
        assert 10 == found["length"]
        assert {"0": 1, "3": 2, "6": 3, "9": 4} == found["length_by_priority"]
        assert (0, 0, 10) == (found["consumers"], found["unacknowledged"], found["backlog"])


def test_settings_of_the_transport_are_kept_to(redis: RedisServer, tmp_path: Path) -> None:
    """Other steps, another separator and a prefix of all keys: the lists are found all the same."""
    options = {"global_keyprefix": "shop:", "priority_steps": [0, 5], "sep": ":"}
    with QueueScene(redis.url, tmp_path, broker_transport_options=options) as scene, scene.api() as api:
        scene.publish(2, priority=0)
        scene.publish(3, priority=7)
        assert {b"shop:celery", b"shop:celery:5"} <= set(Redis.from_url(redis.url).keys("*celery*"))
        found = api.queue()
        assert {"0": 2, "5": 3} == found["length_by_priority"]
        assert 5 == found["length"]


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
def test_a_backlog_counts_each_task_once(redis: RedisServer, tmp_path: Path, *, late: bool) -> None:
    """What waits, what a worker has prefetched, what waits there for its ETA and what runs: all that was published."""
    with QueueScene(redis.url, tmp_path, task_acks_late=late, **PREFIX) as scene, scene.api() as api:
        scene.publish(2, eta=datetime.now(UTC) + timedelta(hours=1))
        scene.worker("w1")
        api.eventually({"scheduled": 2, "length": 0})
        scene.publish(9)
        # A message that is acknowledged late is one of the four that the worker holds also while its task runs.
        waits = {"reserved": 3, "length": 5} if late else {"reserved": 4, "length": 4}
        found = api.eventually({"active": 1, "scheduled": 2, "unacknowledged": 6, **waits})
        assert (11, 0, 1) == (found["backlog"], found["unreported"], found["consumers"])


def test_what_a_killed_worker_had_is_still_in_the_backlog(redis: RedisServer, tmp_path: Path) -> None:
    """Its messages are not acknowledged and come back one day; the queue stays though nobody declares it."""
    with QueueScene(redis.url, tmp_path, task_acks_late=True) as scene, scene.api() as api:
        worker = scene.worker("w1", "mail")
        scene.publish(3, "mail")
        api.eventually({"active": 1, "reserved": 2}, "mail")
        worker.kill()
        found = api.eventually({"active": 0, "reserved": 0}, "mail")
        assert (0, 3, 3, 3) == tuple(found[name] for name in ("length", "unacknowledged", "unreported", "backlog"))


def test_what_is_out_counts_in_its_own_queue(redis: RedisServer, tmp_path: Path) -> None:
    """Kombu keeps it in one hash for all queues."""
    with QueueScene(redis.url, tmp_path, task_acks_late=True, **PREFIX) as scene, scene.api() as api:
        scene.publish(1, "a")
        scene.publish(2, "b")
        scene.worker("w1", "a", "b")
        api.eventually({"unacknowledged": 1}, "a")
        api.eventually({"unacknowledged": 2}, "b")
        assert 0 == api.queue("celery")["unacknowledged"]


def test_more_that_is_out_than_can_be_read_is_not_known(
    redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is null and says why; so is what is no message of kombu's."""
    client = Redis.from_url(redis.url)
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        monkeypatch.setattr(redis_unacked, "MOST", 3)
        client.hset("unacked", mapping={str(n): '[{}, "", "celery"]' for n in range(4)})
        found = api.queue()
        assert (None, 0) == (found["unacknowledged"], found["length"])
        assert found["reasons"]["unacknowledged"].startswith("4 messages of all queues")
        client.delete("unacked")
        client.hset("unacked", "tag", "no message")
        assert "not kombu's" in api.queue()["reasons"]["unacknowledged"]


def test_a_thousand_that_are_out_are_counted(redis: RedisServer, tmp_path: Path) -> None:
    """They are read in steps."""
    entries: dict[Any, Any] = {str(n): f'[{{"body": "{"x" * 500}"}}, "", "{"ab"[n % 2]}"]' for n in range(1001)}
    Redis.from_url(redis.url).hset("unacked", mapping=entries)
    with QueueScene(redis.url, tmp_path) as scene, scene.api(queues=("a", "b")) as api:
        assert (501, 500) == (api.queue("a")["unacknowledged"], api.queue("b")["unacknowledged"])


def test_a_queue_that_is_not_there_is_empty(redis: RedisServer, tmp_path: Path) -> None:
    """Redis keeps no list without messages."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(queues=("later",)) as api:
        found = api.queue("later")
        assert (0, 0) == (found["length"], found["backlog"])
        assert "The queue is empty." == found["reasons"]["oldest_message_age_seconds"]


def test_the_oldest_message_says_how_long_it_has_waited(redis: RedisServer, tmp_path: Path) -> None:
    """Of each priority the one that is read next is looked at, and stays where it is."""
    begun = time.time()
    with QueueScene(redis.url, tmp_path, **PREFIX) as scene, scene.api() as api:
        for priority, age in ((0, 10), (0, 5), (9, 100), (9, 50)):
            scene.publish(priority=priority, headers={PUBLISHED_AT: f"{begun - age:.6f}"})
        found = api.queue()
        assert 100 <= found["oldest_message_age_seconds"] <= 100 + time.time() - begun
        assert 4 == api.queue()["length"]
        scene.publish(priority=3)
        found = api.queue()
        assert found["oldest_message_age_seconds"] is None
        assert "priority 3" in found["reasons"]["oldest_message_age_seconds"]


def test_a_list_that_is_none_does_not_hide_the_others(redis: RedisServer, tmp_path: Path) -> None:
    """A key of another type is refused by Redis: that queue is not known, and is not 0."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(queues=("other",)) as api:
        Redis.from_url(redis.url).set("other", "text")
        scene.publish(2)
        found = api.queue("other")
        assert (None, None) == (found["length"], found["backlog"])
        assert "WRONGTYPE" in found["reasons"]["length"]
        assert 2 == api.queue()["length"]


def test_a_broker_that_is_gone_is_not_an_empty_queue(redis: RedisServer, tmp_path: Path) -> None:
    """Nothing is known then, each number says so, and it is known again when the broker is back."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api() as api:
        scene.publish(3)
        assert 3 == api.queue()["length"]
        redis.kill()
        found = api.gone()
        assert "does not answer" in found["reason"]
        (queue,) = found["queues"]
        assert (None, None, None) == (queue["length"], queue["backlog"], queue["consumers"])
        assert "does not answer" in queue["reasons"]["length"]
        redis.restart()
        api.eventually({"length": 3})


def test_a_broker_that_hangs_is_noticed(redis: RedisServer, tmp_path: Path) -> None:
    """A server that takes connections and says nothing more is away; every answer comes all the same."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(deadline=1.0) as api:
        scene.publish(3)
        api.eventually({"length": 3})
        redis.process.signal(signal.SIGSTOP)
        try:
            found = api.gone()
        finally:
            redis.process.signal(signal.SIGCONT)
        assert found["queues"][0]["length"] is None
        api.eventually({"length": 3})


def test_the_answer_says_how_old_it_is(redis: RedisServer, tmp_path: Path) -> None:
    """In seconds, in the body and in the header."""
    with QueueScene(redis.url, tmp_path) as scene, scene.api(refresh_interval=60) as api:
        first = api.client.get("/api/v1/celery/queues/status")
        second = api.client.get("/api/v1/celery/queues/status")
        assert first.json()["timestamp"] == second.json()["timestamp"]
        assert first.json()["timestamp"].endswith("Z")
        assert 0 <= first.json()["snapshot_age_seconds"] < second.json()["snapshot_age_seconds"]
        assert int(second.json()["snapshot_age_seconds"]) == int(second.headers["Age"])


def test_another_broker_tells_lengths_alone(tmp_path: Path) -> None:
    """What kombu can count is there, the rest says why it is not."""
    (tmp_path / "messages").mkdir()
    folder = str(tmp_path / "messages")
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": str(tmp_path / "control")}
    with QueueScene("filesystem://", tmp_path, broker_transport_options=options) as scene, scene.api() as api:
        scene.publish(3)
        found = api.queue()
        assert (3, 3) == (found["length"], found["backlog"])
        assert {"unacknowledged", "unreported", "oldest_message_age_seconds", "length_by_priority", "rates"} == set(
            found["reasons"]
        )


def test_memory_has_no_queue_before_its_first_message(tmp_path: Path) -> None:
    """To look does not make one."""
    with QueueScene("memory://", tmp_path) as scene, scene.api(queues=("nobody", "first")) as api:
        found = api.queue("nobody")
        assert found["length"] is None
        assert "has no queue nobody" in found["reasons"]["length"]
        scene.publish(2, "first")
        assert 2 == api.queue("first")["length"]
