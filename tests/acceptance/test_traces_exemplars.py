"""From a bucket of a real worker's durations in Prometheus to the trace in Jaeger."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.prometheus import PrometheusServer
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.samples import Exemplar
from tests.acceptance.traced.scene import PATIENCE, Shop
from tests.acceptance.traces.pipeline import NOTHING_BY_CHANCE, TracePipeline

DURATIONS = "celery_task_duration_seconds"


@dataclass(frozen=True)
class Scene:
    """A shop, and the Prometheus that has its worker's numbers."""

    shop: Shop
    prometheus: PrometheusServer

    def exemplars(self, task: str) -> list[Exemplar]:
        """The exemplars of a task's durations."""
        return self.prometheus.exemplars(f'{DURATIONS}_bucket{{task_name="{task}"}}')

    def count(self, task: str) -> float:
        """How many durations of a task Prometheus has."""
        return sum(sample.value for sample in self.prometheus.query(f'{DURATIONS}_count{{task_name="{task}"}}'))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A shop with a worker; of its traces only those are kept for which there is a reason."""
    directory: Path = tmp_path_factory.mktemp("exemplars")
    with ExitStack() as stack:
        enter = stack.enter_context
        redis = enter(RedisServer(directory / "redis"))
        servers = enter(TracePipeline(directory, settings=NOTHING_BY_CHANCE))
        targets = {"celery_workers": servers.collector.metrics_target}
        prometheus = enter(PrometheusServer(directory / "prometheus", targets=targets))
        shop = enter(Shop(redis, servers.collector.otlp_http_endpoint, servers.jaeger, directory / "shop"))
        shop.worker()
        yield Scene(shop, prometheus)


@pytest.mark.parametrize(("page", "error"), [("fail", "LookupError"), ("too_long", "timeout")])
def test_an_error_is_found_from_its_bucket(scene: Scene, page: str, error: str) -> None:
    """The bucket that counted a failed attempt names its trace and its span, which Jaeger has."""
    visit = scene.shop.visit(page)
    (exemplar,) = wait_until(
        lambda: scene.exemplars(f"shop.{page}"), deadline=PATIENCE, message="Prometheus has no exemplar"
    )
    (attempt,) = scene.shop.only(exemplar.labels["trace_id"], f"process shop.{page}")
    assert (visit.trace_id, attempt.span_id) == (attempt.trace_id, exemplar.labels["span_id"])
    assert ("failure", error) == (exemplar.series["status"], attempt.tags["error.type"])
    assert exemplar.value <= float(exemplar.series["le"])


def test_an_attempt_that_is_not_sampled_is_no_exemplar(scene: Scene) -> None:
    """A trace that nobody records is counted, and no bucket points to it."""
    scene.shop.visit("order", OTEL_TRACES_SAMPLER="always_off")
    wait_until(lambda: scene.count("shop.order") == 1, deadline=PATIENCE, message="Prometheus does not count it")
    assert [] == scene.exemplars("shop.order")
