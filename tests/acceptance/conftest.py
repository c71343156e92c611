"""The servers that the acceptance tests share."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.rabbitmq import RabbitMQServer
from tests.acceptance.ledger.scene import Pipeline


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One collector and one Prometheus for all runs that leave them in peace."""
    with Pipeline(tmp_path_factory.mktemp("pipeline")) as running:
        yield running


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """One RabbitMQ node for all runs that leave it in peace."""
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server
