"""The running service against its own description, with every check that schemathesis has."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_otel_api.operation import Scope
from celery_otel_api.tokens import new_token
from celery_otel_pipeline.redis import RedisServer
from celery_otel_pipeline.worker import CeleryWorker
from tests.integration.api.started import address_of, application_module, service_process

AWAY = "redis://127.0.0.1:1/0"
SECRET, TOKEN = new_token("schemathesis", Scope)
# Schemathesis shows wrong tokens on purpose, and must not be locked out by them.
ENVIRONMENT = {"CELERY_OTEL_API_TOKENS": TOKEN.line, "CELERY_OTEL_API_FAILURES_PER_MINUTE": "1000000"}

CONFIGURATION = """
# A cursor is what another answer gave: no schema can say which text is one.
[[operations]]
include-name = "GET /api/v1/celery/tasks/status"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "422", "5xx"]

# What is described as the answer while the broker is away, or a worker does not answer in time, as one may on a busy
# machine. It is no defect: that would be 500.
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503", "504"]
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with one worker."""
    directory = tmp_path_factory.mktemp("broker")
    with RedisServer(directory) as redis:
        module = application_module(directory, redis.url)
        worker = CeleryWorker(
            "w", app=module, broker_url=redis.url, directory=directory, pool="solo", concurrency=1, cwd=directory
        )
        with worker:
            yield redis.url


def test_the_service_keeps_its_description(tmp_path: Path, broker: str) -> None:
    """Whatever is asked, with a worker there."""
    _check(tmp_path, broker)


def test_a_broker_that_is_away_makes_no_defects(tmp_path: Path) -> None:
    """Answers are those that are described, and none is a defect of ours."""
    _check(tmp_path, AWAY, "--deadline", "0.5")


def _check(directory: Path, broker: str, *arguments: str) -> None:
    """Runs schemathesis; what it found is the message."""
    module = application_module(directory, broker)
    (directory / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    with service_process(directory, ["-A", module, "--port", "0", *arguments], ENVIRONMENT) as process:
        address = address_of(process)
        argv = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--checks", "all"]
        argv += ["--header", f"Authorization: Bearer {SECRET}", "--max-examples", "20", "--seed", "1"]
        # A stream does not end, and schemathesis waits until it does: tests/unit/api/test_live.py is its test.
        argv += ["--exclude-path", "/api/v1/celery/live"]
        argv += ["--generation-database", "none", "--request-timeout", "30", "--no-color"]
        found = subprocess.run(argv, cwd=directory, check=False, capture_output=True, text=True, timeout=900)
        # With its counts, for `pytest -rP`.
        sys.stdout.write(found.stdout)
        assert 0 == found.returncode, f"{found.stderr}\n{process.log_tail}"
        assert "Traceback" not in process.log, process.log_tail
