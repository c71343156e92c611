"""The servers that the acceptance tests share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from celery_otel_pipeline.rabbitmq import RabbitMQServer
from celery_otel_pipeline.redis import RedisServer
from tests.acceptance.ledger.scene import Pipeline
from tests.acceptance.traced.scene import Shop
from tests.acceptance.traces.pipeline import TracePipeline

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One collector and one Prometheus for all runs that leave them in peace.

    The collector soon forgets a run's workers, so that its page does not hold those of many runs.
    """
    with Pipeline(tmp_path_factory.mktemp("pipeline"), metric_expiration="30s") as running:
        yield running


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """One RabbitMQ node for all runs that leave it in peace."""
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="session")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShop]:
    """Opens shops, each with a queue of its own, whose traces are all kept; they share the servers."""
    directory = tmp_path_factory.mktemp("shops")
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(directory / "redis"))
        servers = stack.enter_context(TracePipeline(directory, settings={"SAMPLING_PERCENTAGE": "100"}))

        def make(*, grpc: bool = False) -> Shop:
            here = tmp_path_factory.mktemp("shop")
            collector = servers.collector
            endpoint = collector.otlp_grpc_endpoint if grpc else collector.otlp_http_endpoint
            return Shop(redis, endpoint, servers.jaeger, here)

        yield make


@pytest.fixture(scope="module")
def shop(open_shop: OpenShop) -> Iterator[Shop]:
    """A shop with one worker, for all tests of a module that leave it in peace."""
    with open_shop() as shop:
        shop.worker()
        yield shop


@pytest.fixture
def own_shop(open_shop: OpenShop) -> Iterator[Shop]:
    """A shop of the test's own, without a worker."""
    with open_shop() as shop:
        yield shop
