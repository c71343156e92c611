"""What goes wrong with the servers that stand around the workers: collector, Prometheus, Jaeger, API."""

import contextlib
import http.client
import json
import random
import signal
import sys

import psutil

from celery_otel_pipeline.fetching import FetchError, fetch
from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.process import Process
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.scene import APPLICATION, ROOT
from tests.chaos.event import Event
from tests.chaos.moments import later, passed, unheard, unseen
from tests.chaos.place import Need, Place

HANG = (1.0, 8.0)


def _collector_killed(place: Place, chance: random.Random) -> Steps:
    pipeline = place.pipeline
    yield later(pipeline, chance)
    pipeline.collector.kill()
    yield unheard(pipeline, chance)
    pipeline.collector.start()


def _collector_hangs(place: Place, chance: random.Random) -> Steps:
    pipeline = place.pipeline
    yield later(pipeline, chance)
    # Another event may have killed it.
    yield lambda: pipeline.collector.process.alive
    process = psutil.Process(pipeline.collector.process.pid)
    process.send_signal(signal.SIGSTOP)
    yield passed(chance.uniform(*HANG))
    # Another event may have killed it meanwhile.
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGCONT)


def _prometheus_killed(place: Place, chance: random.Random) -> Steps:
    pipeline = place.pipeline
    yield later(pipeline, chance)
    pipeline.prometheus.kill()
    yield unseen(pipeline, chance)
    pipeline.prometheus.start()


def _jaeger_killed(place: Place, chance: random.Random) -> Steps:
    yield later(place.pipeline, chance)
    place.jaeger.kill()
    yield unseen(place.pipeline, chance)
    place.jaeger.start()


def _disk_full(place: Place, chance: random.Random) -> Steps:
    """With Jaeger away the queue needs room, and there is none."""
    yield later(place.pipeline, chance)
    place.jaeger.kill()
    place.disk.fill()
    yield unseen(place.pipeline, chance)
    yield unseen(place.pipeline, chance)
    place.disk.clear()
    place.jaeger.start()


def _api_killed(place: Place, chance: random.Random) -> Steps:
    """It keeps nothing, so it tells of the same workers when it is back."""
    port = free_port()
    with _api(place, port) as api:
        yield lambda: _tells_of_the_workers(place, port)
        yield later(place.pipeline, chance)
        api.kill()
        yield unseen(place.pipeline, chance)
        api.start()
        yield lambda: _tells_of_the_workers(place, port)


def _api(place: Place, port: int) -> Process:
    """The service, which knows the workers' application as a user's would."""
    settings = place.scene.environment()
    env = {
        name: settings[name] for name in ("LEDGER_BROKER_URL", "LEDGER_RESULT_BACKEND", "LEDGER_QUEUE", "PYTHONPATH")
    }
    argv = [sys.executable, "-m", "celery_otel_api", "-A", APPLICATION, "--port", str(port)]
    return Process("api", argv, directory=place.directory, env=env, cwd=ROOT)


def _tells_of_the_workers(place: Place, port: int) -> bool:
    try:
        status = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/celery/workers/status"))
    except (OSError, http.client.HTTPException, FetchError):
        return False
    online = {worker["name"] for worker in status["workers"] if worker["status"] == "online"}
    return {place.scene.first.node_name, place.scene.second.node_name} <= online


SERVERS = (
    Event("collector", "the collector is killed", _collector_killed),
    Event("hang", "the collector hangs", _collector_hangs),
    Event("prometheus", "Prometheus is killed", _prometheus_killed),
    Event("jaeger", "Jaeger is killed", _jaeger_killed, needs=frozenset({Need.JAEGER})),
    Event("api", "the API is killed", _api_killed),
    Event(
        "disk",
        "the disk of the collector's queue is full",
        _disk_full,
        needs=frozenset({Need.JAEGER, Need.DISK}),
        alone=True,
        loses=True,
    ),
)
