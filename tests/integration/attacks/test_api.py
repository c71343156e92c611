"""The API that is attacked answers all others, and does not grow: as `make attack` does it."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.redis import RedisServer
from tests.attacks import scenes
from tests.attacks.api import ATTACKS, Api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service for all attacks."""
    directory = tmp_path_factory.mktemp("api")
    with RedisServer(directory / "redis") as redis, scenes.api(directory / "api", redis.url) as api:
        yield api


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_api_bears_an_attack(api: Api, attack: str) -> None:
    """It is refused or comes to nothing, and others are answered meanwhile."""
    assert [] == ATTACKS[attack](api).wrong
