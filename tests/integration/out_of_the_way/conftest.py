"""One Redis for all tests here, workers under names of their own, and a bare worker to compare with."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from celery_otel_pipeline.redis import RedisServer
from tests.integration.out_of_the_way.disturbed import Disturbed, seconds_to_stop

Disturb = Callable[..., Disturbed]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server, as broker and result backend."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def bare_stop(broker: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that the same worker takes to stop when it is not instrumented."""
    directory = tmp_path_factory.mktemp("bare")
    with Disturbed("bare", broker_url=broker.url, directory=directory, OTEL_SDK_DISABLED="true") as bare:
        bare.run(1)
        return seconds_to_stop(bare)


_numbers = count()


@pytest.fixture
def disturb(broker: RedisServer, tmp_path: Path) -> Iterator[Disturb]:
    """Makes workers, not started, with the arguments of `Disturbed`; they end with the test."""
    with ExitStack() as stack:

        def make(*arguments: str, **env: str) -> Disturbed:
            name = f"disturbed{next(_numbers)}"
            worker = Disturbed(name, broker_url=broker.url, directory=tmp_path, arguments=arguments, **env)
            stack.callback(worker.close)
            return worker

        yield make
