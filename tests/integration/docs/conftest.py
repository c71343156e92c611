"""The project of somebody who reads the docs, and a worker of it."""

from collections.abc import Iterator

import pytest

from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.docs.project import SILENT, Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project, with its broker."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield Project(tmp_path_factory.mktemp("project"), server.url)


@pytest.fixture(scope="module")
def worker(project: Project) -> Iterator[CeleryWorker]:
    """A worker of the application, for commands that look at workers."""
    worker = CeleryWorker(
        "celery",
        app="shop",
        broker_url=project.broker_url,
        directory=project.directory / "logs",
        pool="threads",
        concurrency=1,
        env=project.environment(SILENT),
        cwd=project.directory,
    )
    with worker:
        yield worker
