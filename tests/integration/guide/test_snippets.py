"""The Python code of the monitoring guide runs as it stands, but for what it imports.

It is kept in docs/guides/coming-from-the-guide.md, whose code makes a small project: an application, its worker's
module, and two programs that look at it.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from celery_otel_pipeline.fetching import FetchError, fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.api.started import address_of, service_process
from tests.integration.guide.forward_proxy import ForwardProxy, forwarded

GUIDE = ROOT / "docs" / "guides" / "coming-from-the-guide.md"
FILES = re.compile(r"`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TRAIN = "app.tasks.training_tasks.train_model"
TASK_OF_THE_GUIDE = "abc123"
ADDRESS_OF_THE_GUIDE = "http://localhost:8000"
SECONDS = 30.0


class Project:
    """The guide's project in a directory of its own, with a broker, and what runs in it.

    Args:
        directory: Where its files, and logs, are.
        broker_url: Broker and result backend.

    Attributes:
        gate: A file for which the tasks wait before they end.
    """

    def __init__(self, directory: Path, broker_url: str) -> None:
        self.directory = directory
        self.gate = directory / "gate"
        self.metrics_port = free_port()
        self.client = Celery("client", broker=broker_url, backend=broker_url, set_as_current=False)
        self._environment = {"CELERY_BROKER_URL": broker_url, "CELERY_RESULT_BACKEND": broker_url}
        for path, code in FILES.findall(GUIDE.read_text()):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(code)
        self.worker = CeleryWorker(
            "worker1",
            app="celery_worker",
            broker_url=broker_url,
            directory=directory,
            concurrency=1,
            env=self.environment(
                OTEL_METRICS_EXPORTER="prometheus",
                OTEL_TRACES_EXPORTER="none",
                OTEL_EXPORTER_PROMETHEUS_PORT=str(self.metrics_port),
            ),
            cwd=directory,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of every process of the project."""
        return {**self._environment, **more}

    def service(self) -> Process:
        """The API, as `celery-otel-api -A app.celery_app` starts it, not started yet."""
        arguments = ["-A", "app.celery_app", "--port", "0", "--refresh-interval", "0.2"]
        return service_process(self.directory, arguments, self.environment())

    def run(self, program: str, **environment: str) -> str:
        """Runs a program of the project to its end; gives what it has printed."""
        env = self.environment(PYTHONUNBUFFERED="1", **environment)
        process = Process(
            program, [sys.executable, f"{program}.py"], directory=self.directory, env=env, cwd=self.directory
        )
        with process:
            assert 0 == process.wait(SECONDS), process.log_tail
        return process.log_since_start

    def train(self, task_id: str) -> None:
        """Sends a training that ends when the gate is there."""
        self.client.send_task(TRAIN, ["tree", str(self.gate)], task_id=task_id)

    def metrics(self) -> str:
        """The page of the worker's own series."""
        return fetch(f"http://{LOOPBACK}:{self.metrics_port}/metrics")

    def shows(self, series: str) -> None:
        """Waits until the worker shows a series, given by a regular expression."""

        def shown() -> bool:
            try:
                return re.search(f"^{series}", self.metrics(), re.MULTILINE) is not None
            except (OSError, FetchError):
                return False

        wait_until(shown, deadline=SECONDS, message=lambda: f"no series {series}\n{self.metrics()}")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project with its worker."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        project = Project(tmp_path_factory.mktemp("project"), server.url)
        with project.client, project.worker:
            yield project
            project.gate.touch()


@pytest.fixture(scope="module")
def proxy(project: Project) -> Iterator[ForwardProxy]:
    """The project's API, at the guide's address for whoever uses this proxy."""
    with project.service() as service, forwarded(ADDRESS_OF_THE_GUIDE, address_of(service)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def busy(project: Project) -> None:
    """One task runs, and the guide's is held by the worker behind it."""
    for task_id in ("first", TASK_OF_THE_GUIDE):
        project.train(task_id)
    project.shows(rf'celery_active_tasks\{{.*task_name="{TRAIN}".*\}} 1\.0$')
    project.shows(r"celery_worker_prefetch_count\{.*\} 1\.0$")


def test_the_code_stands_in_the_guide_by_files() -> None:
    """The page has the guide's configuration, worker's module, client and summary."""
    files = dict(FILES.findall(GUIDE.read_text()))
    assert {"app/celery_app.py", "celery_worker.py", "client.py", "summary.py"} <= set(files)


@pytest.mark.usefixtures("busy")
def test_the_summary_in_code(project: Project) -> None:
    """`get_celery_metrics_summary` of the application counts its worker and its running task."""
    assert "Total workers: 1\nActive tasks: 1\n" == project.run("summary")


@pytest.mark.usefixtures("busy")
def test_the_worker_module_measures_tasks_and_its_own_process(project: Project) -> None:
    """`setup_celery_metrics` and `start_global_monitor` give the series of tasks, and of the process under its type."""
    project.shows(rf'celery_task_received_total\{{.*task_name="{TRAIN}".*\}} 2\.0$')
    project.shows(r'celery_process_memory_bytes\{.*process_type="celery_worker".*\} [1-9]')


@pytest.mark.usefixtures("busy")
def test_the_python_client(project: Project, proxy: ForwardProxy) -> None:
    """The client reads the active tasks and the state of one, and revokes it: it ends so, although it was there."""
    printed = project.run("client", HTTP_PROXY=proxy.url, http_proxy=proxy.url, NO_PROXY="", no_proxy="")
    assert "Active tasks: 1\nTask state: RESERVED\n" == printed
    path = f"/api/v1/celery/tasks/{TASK_OF_THE_GUIDE}"
    assert ["GET /api/v1/celery/tasks/status", f"GET {path}/status", f"POST {path}/revoke"] == proxy.asked
    project.gate.touch()
    states = {task_id: project.client.AsyncResult(task_id) for task_id in ("first", TASK_OF_THE_GUIDE)}
    wait_until(
        lambda: ["SUCCESS", "REVOKED"] == [result.state for result in states.values()],
        deadline=SECONDS,
        message=lambda: f"{[result.state for result in states.values()]}",
    )


def test_the_training_is_measured(project: Project) -> None:
    """The task of the guide's example counts as one model that was trained, with its samples."""
    project.gate.touch()
    project.shows(r'celery_training_models_total\{.*model_type="tree".*\} [1-9]')
    project.shows(r'celery_training_samples_sum\{.*model_type="tree".*result="success".*\} [1-9]')
