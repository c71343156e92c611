"""The project of somebody who reads the docs."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.redis import RedisServer
from tests.integration.docs.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project, with its broker."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield Project(tmp_path_factory.mktemp("project"), server.url)
