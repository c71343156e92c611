"""The commands of the runbooks, as an operator types them at night: each is understood and does not fail."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.tools import tool_path
from celery_otel_pipeline.worker import CeleryWorker
from tests.patience import until_somebody_replies
from tests.unit.rules.shipped import RUNBOOKS

HERE = Path(__file__).parent
NEVER_ENDING = ("celery -A shop worker", "celery -A shop otel api")
"""What runs until it is stopped; other tests start these."""
TEXT = "\n".join(path.read_text() for path in sorted(RUNBOOKS.glob("*.md")))
COMMANDS = sorted(
    {*re.findall(r"`(celery -A shop [^`]+)`", TEXT), *re.findall(r"^\$ (celery .+)$", TEXT, re.MULTILINE)}
)
TOOLS = sorted(set(re.findall(r"^\$ \$\(make -s tool-path NAME=(\w+)\) (.+)$", TEXT, re.MULTILINE)))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CeleryWorker, str]]:
    """A worker of the shop, and its broker."""
    directory = tmp_path_factory.mktemp("shop")
    with RedisServer(directory / "redis") as redis:
        quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}
        worker = CeleryWorker(
            "w", app="shop", broker_url=redis.url, directory=directory, concurrency=1, env=quiet, cwd=HERE
        )
        with worker:
            yield worker, redis.url


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.startswith(NEVER_ENDING)])
def test_a_command_is_understood(command: str, worker: tuple[CeleryWorker, str]) -> None:
    """Celery knows each command and option, and the worker does what it says."""
    typed = command.replace("WORKER", worker[0].node_name).replace("QUEUE", "orders").replace("TASK", "shop.order")
    run = partial(
        subprocess.run,
        [sys.executable, "-m", *shlex.split(typed)],
        cwd=HERE,
        env=child_environment({"CELERY_BROKER_URL": worker[1]}),
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    done = until_somebody_replies(run, lambda done: f"{done.stdout}{done.stderr}")

    # What doctor finds wrong here makes its status 1; what Celery does not understand makes it 2.
    assert done.returncode == 0 or ("doctor" in command and done.returncode == 1), done.stdout + done.stderr


@pytest.mark.parametrize(("name", "arguments"), TOOLS)
def test_a_tool_is_understood(name: str, arguments: str) -> None:
    """So are the commands of Prometheus' tool and of the collector, from the repository's directory."""
    argv = [str(tool_path(name)), *shlex.split(arguments)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
