"""A worker that is attacked lives, and all that it received is accounted for: a small round of `make attack`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_otel_pipeline.redis import RedisServer
from tests.attacks import ends, headers, scenes, way
from tests.attacks.target import Target
from tests.attacks.values import OURS
from tests.attacks.verdict import Verdict


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server for the workers of this module."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def target(broker: RedisServer, tmp_path: Path) -> Iterator[Target]:
    """A worker."""
    with scenes.target(broker, tmp_path) as target:
        yield target


def right(verdict: Verdict) -> None:
    """Nothing is wrong."""
    assert [] == verdict.wrong


def test_a_worker_bears_any_value_in_the_headers_that_are_ours(
    target: Target, broker: RedisServer, tmp_path: Path
) -> None:
    """Whatever type or size: tasks run, every attempt is accounted for, no hook fails, and no span is dropped."""
    right(headers.attack(target, lambda: scenes.target(broker, tmp_path, bare=True), OURS))


def test_a_worker_bears_hostile_results_exceptions_and_garbage_from_a_task(target: Target) -> None:
    """Each attempt ends once; what a task writes into the way to MAIN is counted as garbage and changes no number."""
    right(ends.attack(target))
    right(way.attack(target, 2, 200, 1))
    right(way.foreign(target))
