"""What every test starts from: an environment without our variables, in a process that can be interrupted."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]

from tests.acceptance.alerts.table import PROPERTY, plain
from tests.side_by_side import OneByOneAtTheEnd, bears_company

# Timing is no test here: a busy machine is slow at whatever Hypothesis draws.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run, so that a test that fails tells of a change; `make examples` draws others, and many.
settings.register_profile("celery-otel", CALM, derandomize=True, max_examples=200)
settings.register_profile("celery-otel-examples", CALM, derandomize=False, max_examples=2000)
settings.load_profile("celery-otel")


def pytest_configure(config: pytest.Config) -> None:
    """Lets tests be interrupted: the processes of pytest-xdist ignore SIGINT, and so would all that they start."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests that may run side by side in front of those that run by themselves."""
    items.sort(key=lambda item: not bears_company(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneByOneAtTheEnd | None:
    """Keeps the tests apart that bear no company."""
    return OneByOneAtTheEnd(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lists how many seconds each alert took to fire and to resolve, if there were tests of faults."""
    reports = terminalreporter.getreports("passed")
    rows: list[Any] = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if rows:
        terminalreporter.section("alerts: seconds from the fault to the alert, and from the repair to its end")
        terminalreporter.write_line("\n".join(plain(rows)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every OTEL_* and CELERY_OTEL_* variable away, except those that say where tools are."""
    for key in list(os.environ):
        if key.startswith(("OTEL_", "CELERY_OTEL_")) and not key.startswith(("CELERY_OTEL_TOOL", "CELERY_OTEL_PYTHON")):
            monkeypatch.delenv(key)


@pytest.fixture(scope="session")
def celery54() -> str:
    """A Python interpreter that has Celery 5.4, celery-otel and redis."""
    python = os.environ.get("CELERY_OTEL_PYTHON_54", "")
    if not Path(python).is_file():
        pytest.fail(
            f"CELERY_OTEL_PYTHON_54={python!r} is no interpreter with Celery 5.4: run `make venv-celery54`, "
            "which makes one and prints its path, and set the variable to it (`make test` does both)"
        )
    return python
