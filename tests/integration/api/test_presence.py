"""Who is there: real workers that stop, die, are busy, come back, or lose their broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_otel_api.fleet import Presence
from celery_otel_api.heartbeats import CollectorHeartbeats
from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.rabbitmq import RabbitMQServer
from tests.integration.api.presence_scene import LONG, Watched


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A broker without workers."""
    with Watched(tmp_path) as watched:
        yield watched


def test_a_worker_that_stopped_cleanly_is_forgotten(watched: Watched) -> None:
    """It said goodbye: nobody expects it any more."""
    worker = watched.worker("clean")
    worker.warm_stop()
    watched.wait_for({})


def test_hearts_and_goodbyes_come_by_rabbitmq_too(tmp_path: Path) -> None:
    """The events of workers are heard, and no answer is needed for that."""
    with Watched(tmp_path, RabbitMQServer) as watched:
        worker = watched.worker("clean", pool="threads")
        watched.now += LONG
        wait_until(
            lambda: watched.fleet.members((), asked=True)[0].presence is Presence.SILENT,
            deadline=30,
            message="its heartbeats are to be heard",
        )
        worker.warm_stop()
        watched.wait_for({})


def test_a_killed_worker_is_offline_and_since_when(watched: Watched) -> None:
    """It said nothing: when its last heartbeat is old, it is offline, and stays listed."""
    worker = watched.worker("killed")
    worker.kill()
    watched.now += LONG
    gone = watched.member(worker.node_name)
    assert (Presence.OFFLINE, LONG) == (gone.presence, gone.since)


def test_a_worker_that_is_back_under_its_name_is_one(watched: Watched) -> None:
    """A restart after a clean stop and one after a kill leave one worker, which is online."""
    worker = watched.worker("again")
    for end in (worker.warm_stop, worker.kill):
        end()
        worker.start()
        watched.wait_for({worker.node_name: Presence.ONLINE})


def test_a_busy_solo_worker_is_silent_while_its_heart_beats(watched: Watched) -> None:
    """It cannot answer, and sends no events; its metrics say that it lives, and when they stop, it is offline."""
    port = free_port()
    exporting = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}
    worker = watched.worker("solo", **exporting)
    watched.occupy(worker, 60.0)
    hearts = CollectorHeartbeats(watched.fleet, "shop")
    watched.now += LONG
    assert Presence.OFFLINE is watched.member(worker.node_name).presence
    look(hearts, port)
    look(hearts, port)
    silent = watched.member(worker.node_name)
    assert (Presence.SILENT, 0.0, "solo") == (silent.presence, silent.since, silent.answer and silent.answer.pool)
    worker.kill()
    watched.now += LONG
    assert Presence.OFFLINE is watched.member(worker.node_name).presence


def look(hearts: CollectorHeartbeats, port: int) -> None:
    """Looks at a page that says something else than the last one did."""
    pages = [fetch(f"http://127.0.0.1:{port}/metrics")]
    hearts.read(pages[0])
    wait_until(
        lambda: heart(fetch(f"http://127.0.0.1:{port}/metrics")) != heart(pages[0]),
        deadline=10,
        message="the heart of a busy solo worker is to beat",
    )


def heart(page: str) -> list[str]:
    """The lines of the heartbeat."""
    return [line for line in page.split("\n") if line.startswith("celery_worker_heartbeat_timestamp_seconds")]


def test_a_broker_that_is_away_tells_nothing_of_workers(watched: Watched) -> None:
    """Its workers are unknown, not offline; when it is back they are online, and their goodbyes are heard again."""
    worker = watched.worker("waits", pool="threads")
    watched.broker.stop()
    watched.wait_for({worker.node_name: Presence.UNKNOWN})
    assert not watched.survey().broker_connected
    watched.broker.start()
    watched.wait_for({worker.node_name: Presence.ONLINE})
    # What it hears now comes by a new connection.
    watched.now += LONG
    wait_until(
        lambda: watched.fleet.members((), asked=True)[0].presence is Presence.SILENT,
        deadline=30,
        message="its heartbeats are to be heard again",
    )
    worker.warm_stop()
    watched.wait_for({})
