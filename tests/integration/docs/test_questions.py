"""The questions of README and docs to servers at their usual ports are answered by real ones."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from celery_otel_pipeline.alertmanager import AlertmanagerServer
from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.prometheus import PrometheusServer
from tests.doc_blocks.command import Asks
from tests.integration.api.conftest import PATIENT
from tests.integration.api.started import address_of, service_process
from tests.integration.docs.case import Case, distinct, named
from tests.integration.docs.project import SILENT, Project

SECONDS = 60.0


@contextmanager
def _api(directory: Path, project: Project) -> Iterator[str]:
    env = project.environment({"PYTHONPATH": str(project.directory)})
    with service_process(directory, ["-A", "shop", "--port", "0", "--inspect-timeout", str(PATIENT)], env) as service:
        yield address_of(service)


@contextmanager
def _collector(directory: Path, _: Project) -> Iterator[str]:
    with Collector(directory) as server:
        yield server.health_url.rstrip("/")


@contextmanager
def _prometheus(directory: Path, _: Project) -> Iterator[str]:
    with PrometheusServer(directory, targets={}) as server:
        yield server.url


@contextmanager
def _alertmanager(directory: Path, _: Project) -> Iterator[str]:
    with AlertmanagerServer(directory, receiver_url=f"http://{LOOPBACK}:{free_port()}") as server:
        yield server.url


@contextmanager
def _jaeger(directory: Path, _: Project) -> Iterator[str]:
    with JaegerServer(directory) as server:
        yield server.url


SERVERS = {
    "api": _api,
    "collector": _collector,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "jaeger": _jaeger,
}


@pytest.fixture(scope="module")
def address(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Gives the address of a server, which is started when it is first asked for."""
    with ExitStack() as stack:
        found: dict[str, str] = {}

        def of(name: str) -> str:
            if name not in found:
                found[name] = stack.enter_context(SERVERS[name](tmp_path_factory.mktemp(name), project))
            return found[name]

        yield of


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("case", distinct(Asks), ids=named)
def test_a_question(project: Project, address: Callable[[str], str], case: Case) -> None:
    """The server answers it with success."""
    assert isinstance(case.how, Asks)
    script = re.sub(r"http://localhost:\d+", address(case.how.server), case.script)
    script = re.sub(r"^curl ", "curl --fail --silent --show-error ", script)
    with project.shell("question", script, env=SILENT) as process:
        assert 0 == process.wait(SECONDS), process.log_tail
