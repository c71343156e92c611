"""Beats that export to a collector: what is left at their end, and what two of them look like."""

import signal
import socket
import time
from functools import partial

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.redis import RedisServer
from tests.integration.beat.conftest import (
    HOUR,
    LAST_FIRE,
    LAST_TICK,
    LATE_BY_TWO,
    MISSED,
    Page,
    Scene,
    otlp,
    remembered,
)
from tests.integration.beat.journal import missed
from tests.integration.beat.shared import SHOP

ONCE_AN_HOUR = 3_600_000
NAME = f"beat@{socket.gethostname()}"


def test_the_last_export_carries_everything(scene: Scene) -> None:
    """With an export an hour, a beat that is stopped still brings its last numbers."""
    with Collector(scene.directory / "collector") as collector:
        exporting = otlp(collector.otlp_http_endpoint, milliseconds=ONCE_AN_HOUR)
        beat, _ = scene.beat({"rarely": HOUR}, env={**exporting, **LATE_BY_TWO})
        with beat:
            scene.wait_for_runs("rarely", 1)
            beat.stop()
        page = Page(collector.metrics_url)
        labels = {"job": SHOP, "instance": NAME, "entry": "rarely"}
        assert (remembered(beat.schedule_path, "rarely"), 2.0) == values(page, **labels)


def test_a_run_that_is_being_sent_when_beat_is_told_to_end_is_missed(scene: Scene) -> None:
    """The schedule remembers it as a run, though the broker has not taken its message: it is no fire."""
    with Collector(scene.directory / "collector") as collector, RedisServer(scene.directory / "own") as redis:
        beat, _ = scene.beat({"often": 1.0}, redis=redis, env=otlp(collector.otlp_http_endpoint))
        page = Page(collector.metrics_url)
        labels = {"job": SHOP, "instance": NAME}
        with beat:
            scene.wait_for_runs("often", 1)
            redis.process.signal(signal.SIGSTOP)
            tick = partial(page.value, LAST_TICK, **labels)
            wait_until(lambda: time.time() > (tick() or time.time()) + 4, deadline=30, message="beat still ticks")
            beat.stop()
        # Stopped as it is, it could not end itself.
        redis.kill()
        last = scene.runs("often")[-1]
        assert (last.at, False) == (remembered(beat.schedule_path, "often"), last.sent)
        fired = scene.runs("often", sent=True)[-1].at
        assert (fired, missed(scene.runs("often"), 1.0)) == values(page, **labels, entry="often")


def values(page: Page, **labels: str) -> tuple[float | None, float | None]:
    """When an entry was fired last, and how many of its runs were missed."""
    return page.value(LAST_FIRE, **labels), page.value(MISSED, **labels)


def test_the_series_of_a_killed_beat_end(scene: Scene) -> None:
    """They are there while it lives, idle entries too, and gone when it has not exported for a while."""
    with Collector(scene.directory / "collector", metric_expiration="2s") as collector:
        beat, _ = scene.beat({"rarely": HOUR}, env=otlp(collector.otlp_http_endpoint))
        page = Page(collector.metrics_url)
        with beat:
            scene.eventually(1, lambda: len(page.labelled(MISSED, instance=NAME, entry="rarely")))
            beat.kill()
        scene.eventually(set(), lambda: page.origins("celery_.+"))


def test_two_beats_of_a_machine_are_told_apart(scene: Scene) -> None:
    """The second one gets a number, so that a count of the ticks shows both, and its log asks whether it is meant."""
    with Collector(scene.directory / "collector") as collector:
        exporting = otlp(collector.otlp_http_endpoint)
        first, _ = scene.beat({"often": 1.0}, name="first", env=exporting)
        second, _ = scene.beat({"often": 1.0}, name="second", env=exporting)
        page = Page(collector.metrics_url)
        with first:
            scene.eventually({NAME}, lambda: page.origins(LAST_TICK))
            with second:
                scene.eventually({NAME, NAME.replace("@", "-2@")}, lambda: page.origins(LAST_TICK))
        assert f"another beat of {SHOP} runs on this machine" in second.log
        assert "another beat" not in first.log
