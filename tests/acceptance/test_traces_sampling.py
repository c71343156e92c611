"""Whether a trace is recorded is decided once, where it begins, and everybody obeys: worker, child and descendants."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.redis import RedisServer
from tests.acceptance.traced.scene import PATIENCE, Shop
from tests.acceptance.traced.shared import CROWD

HALF = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
OFF = {"OTEL_TRACES_SAMPLER": "always_off"}
ON = {"OTEL_TRACES_SAMPLER": "always_on"}
WORK = ("process shop.ship", "process shop.order")


class Sampled:
    """A shop whose spans go to a sink, and a worker that serves its counts itself."""

    def __init__(self, shop: Shop, sink: OtlpSink) -> None:
        self.shop = shop
        self._sink = sink
        self._port = free_port()

    def start(self, **env: str) -> None:
        """Starts the worker."""
        serving = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(self._port)}
        self.shop.worker(**serving, **env)

    def wait_for_successes(self, number: int) -> None:
        """Waits until so many tasks have succeeded, by the worker's count."""
        wait_until(
            lambda: self._successes() == number,
            deadline=PATIENCE,
            message=lambda: f"{self._successes()} of {number} successes",
        )

    def _successes(self) -> float:
        return sum(
            sample.value
            for family in text_string_to_metric_families(fetch(f"http://{LOOPBACK}:{self._port}/metrics"))
            for sample in family.samples
            if sample.name == "celery_task_total" and sample.labels["status"] == "success"
        )

    def traces(self) -> list[Counter[str]]:
        """The names of the spans of every trace, when the worker has exported its last."""
        self.shop.stop()
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for span in self._sink.spans():
            found[span.trace_id][span.name] += 1
        return list(found.values())

    @property
    def publishes(self) -> str:
        """The name of producer spans."""
        return f"send {self.shop.queue}"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def sampled(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sampled]:
    """A shop without a worker."""
    with ExitStack() as stack:
        sink = stack.enter_context(OtlpSink())
        shop = stack.enter_context(Shop(redis, sink.endpoint, None, tmp_path_factory.mktemp("sampled")))
        yield Sampled(shop, sink)


def test_a_request_that_is_not_sampled_makes_no_span(sampled: Sampled) -> None:
    """With always_off where the request comes in, no span is made of it anywhere, and its tasks are counted."""
    sampled.start()
    sampled.shop.visit("ship", **OFF)
    sampled.wait_for_successes(2)
    visit = sampled.shop.visit("recording", **OFF)
    # The trace goes on all the same: logs of all processes have the same id.
    assert [visit.trace_id, False] == sampled.shop.result(visit)
    assert [] == sampled.traces()


def test_a_share_of_the_requests_is_whole(sampled: Sampled) -> None:
    """With a ratio where the requests come in, each trace is there with all its spans or not at all, and all count."""
    sampled.start()
    sampled.shop.visit("crowd", **HALF)
    sampled.wait_for_successes(2 * CROWD)
    whole = Counter({"GET /ship": 1, sampled.publishes: 2, **dict.fromkeys(WORK, 1)})
    traces = [trace for trace in sampled.traces() if "GET /crowd" not in trace]
    assert [whole] * len(traces) == traces
    assert 0 < len(traces) < CROWD


def test_where_the_worker_begins_it_decides(sampled: Sampled) -> None:
    """Of tasks that carry no trace the worker's ratio records a share, each with its descendants or not at all."""
    sampled.start(**HALF)
    sampled.shop.visit("crowd", SHOP_BARE="yes")
    sampled.wait_for_successes(2 * CROWD)
    whole = Counter({sampled.publishes: 1, **dict.fromkeys(WORK, 1)})
    traces = sampled.traces()
    assert [whole] * len(traces) == traces
    assert 0 < len(traces) < CROWD


def test_a_ratio_of_each_process_gives_the_same_answer(sampled: Sampled) -> None:
    """The ratio without a parent is drawn from the trace's id: processes with the same one agree on each trace."""
    ratio = {**HALF, "OTEL_TRACES_SAMPLER": "traceidratio"}
    sampled.start(**ratio)
    sampled.shop.visit("crowd", **ratio)
    sampled.wait_for_successes(2 * CROWD)
    whole = Counter({"GET /ship": 1, sampled.publishes: 2, **dict.fromkeys(WORK, 1)})
    traces = [trace for trace in sampled.traces() if "GET /crowd" not in trace]
    assert [whole] * len(traces) == traces
    assert 0 < len(traces) < CROWD


@pytest.mark.parametrize(
    ("web", "worker", "expected"),
    [
        (ON, OFF, lambda publishes: {"GET /ship": 1, publishes: 1}),
        (OFF, ON, lambda publishes: {publishes: 1, **dict.fromkeys(WORK, 1)}),
    ],
    ids=["worker-off", "worker-on"],
)
def test_a_sampler_without_regard_for_the_parent(
    sampled: Sampled, web: dict[str, str], worker: dict[str, str], expected: Callable[[str], dict[str, int]]
) -> None:
    """always_on and always_off hold for their own process: the worker, its children and what these publish."""
    sampled.start(**worker)
    sampled.shop.visit("ship", **web)
    sampled.wait_for_successes(2)
    assert [Counter(expected(sampled.publishes))] == sampled.traces()
