"""How pytest-xdist's processes share the test files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from celery_otel_pipeline.repository import ROOT

PLUGINS = ("-p", "xdist.plugin", "-p", "xdist.looponfail")
SHARED = ("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder")
#: Each ends only when the other one has begun.
COMPANIONS = """
import pathlib, time

def test_meets_the_other():
    pathlib.Path("met-{name}").touch()
    while len(list(pathlib.Path().glob("met-*"))) < 2:
        time.sleep(0.01)

def test_is_over():
    pathlib.Path("over-{name}").touch()
"""
#: Each finds nobody else at work, and all companions gone.
LONERS = """
import os, pathlib, time, pytest

@pytest.mark.parametrize("number", range(3))
def test_is_alone(number):
    os.close(os.open("lock", os.O_CREAT | os.O_EXCL))
    over = len(list(pathlib.Path().glob("over-*")))
    time.sleep(0.05)
    os.remove("lock")
    assert over == len(list(pathlib.Path("tests/unit").glob("test_*.py"))) or os.environ["ONLY"] == "loners"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two files of either kind, and our conftest.py."""
    unit, other = tmp_path / "tests" / "unit", tmp_path / "tests" / "acceptance"
    for name in ("a", "b"):
        for folder, text in ((unit, COMPANIONS), (other, LONERS)):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"test_{folder.name}_{name}.py").write_text(text.format(name=name))
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\naddopts = --import-mode=importlib\n")
    return tmp_path


@pytest.mark.parametrize(
    ("only", "paths", "passed"), [("", ["tests"], 10), ("loners", ["tests/acceptance"], 6)], ids=["all", "loners"]
)
def test_those_that_bear_no_company_follow_one_by_one(project: Path, only: str, paths: list[str], passed: int) -> None:
    """Companions run at the same time, and the others when these are over, one at a time, in any case all of them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *SHARED, *paths],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "ONLY": only},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"{passed} passed" in done.stdout
