"""A beat that a worker embeds (`celery worker -B`) is a process of its own, with numbers of its own."""

import re
from pathlib import Path

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from tests.integration.beat.conftest import (
    APPLICATION,
    HOUR,
    LAST_FIRE,
    LATE_BY_TWO,
    MISSED,
    Page,
    Scene,
    otlp,
    page_on,
    remembered,
)
from tests.integration.beat.shared import SHOP

ONCE_AN_HOUR = 3_600_000
OF_A_WORKER = re.compile("celery_(task|worker|active|messages)_.*")


def embedding(scene: Scene) -> tuple[str, ...]:
    """The command line of a worker that embeds a beat."""
    return ("-B", "-s", str(schedule_path(scene)), "--scheduler", f"{APPLICATION}:Scheduler")


def schedule_path(scene: Scene) -> Path:
    """Where the embedded beat keeps its schedule."""
    return scene.directory / "schedule"


def test_beat_and_worker_serve_on_ports_of_their_own(scene: Scene) -> None:
    """On each page is what its process counts, and nothing of the other's."""
    port = free_port()
    worker, page = scene.worker({"often": 1.0}, *embedding(scene), CELERY_OTEL_BEAT_PROMETHEUS_PORT=str(port))
    with worker:
        scene.wait_for_runs("often", 3)
        scene.wait_for_agreement(page_on(port), "often")
        assert not [name for name in page.names() if name.startswith("celery_beat_")]
        assert not [name for name in page_on(port).names() if OF_A_WORKER.fullmatch(name)]


def test_without_a_port_of_its_own_beat_serves_nothing(scene: Scene) -> None:
    """The worker has its port, however early beat starts; the log says what to do for beat's numbers."""
    worker, page = scene.worker({"often": 1.0}, *embedding(scene))
    with worker:
        scene.wait_for_runs("often", 2)
        assert "celery_task_received_total" in page.names()
        assert not [name for name in page.names() if name.startswith("celery_beat_")]
    assert 1 == worker.log.count("Give beat its own by CELERY_OTEL_BEAT_PROMETHEUS_PORT")


def test_the_last_export_of_each_carries_everything(scene: Scene, python: str) -> None:
    """With an export an hour, a warm shutdown still brings the last numbers of both, though beat is slow to end."""
    with Collector(scene.directory / "collector") as collector:
        exporting = otlp(collector.otlp_http_endpoint, milliseconds=ONCE_AN_HOUR)
        env = {**exporting, **LATE_BY_TWO, "BEAT_CLOSING": "1"}
        worker, _ = scene.worker({"rarely": HOUR}, *embedding(scene), python=python, **env)
        with worker:
            scene.wait_for_runs("rarely", 1)
            # With it ends all that it has started, as in a container.
            worker.warm_stop()
        page = Page(collector.metrics_url)
        beat = {"job": SHOP, "instance": f"beat-{worker.node_name}", "entry": "rarely"}
        assert remembered(schedule_path(scene), "rarely") == page.value(LAST_FIRE, **beat)
        assert 2.0 == page.value(MISSED, **beat)
        assert {worker.node_name, f"beat-{worker.node_name}"} == page.origins("celery_.+")
        assert {f"beat-{worker.node_name}"} == page.origins("celery_beat_.+")
        assert {worker.node_name} == page.origins("celery_(task|worker)_.+")


def test_a_run_that_is_being_sent_at_the_end_is_missed(scene: Scene, python: str) -> None:
    """Beat is told to end while it sends: what the schedule remembers is no fire, and missed like the two before."""
    with Collector(scene.directory / "collector") as collector:
        env = {**otlp(collector.otlp_http_endpoint), **LATE_BY_TWO, "BEAT_SENDING": "120"}
        worker, _ = scene.worker({"rarely": HOUR}, *embedding(scene), python=python, **env)
        sending = "Scheduler: Sending due task rarely"
        with worker:
            wait_until(lambda: sending in worker.log, deadline=60, message=lambda: f"not {sending!r}:\n{worker.log}")
            worker.warm_stop()
        page = Page(collector.metrics_url)
        beat = {"job": SHOP, "instance": f"beat-{worker.node_name}", "entry": "rarely"}
        assert [False] == [line.sent for line in scene.runs("rarely")]
        assert (None, 3.0) == (page.value(LAST_FIRE, **beat), page.value(MISSED, **beat))
