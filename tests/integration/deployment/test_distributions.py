"""The wheel and the source distribution hold what they have to, and nothing else."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from celery_otel_pipeline.repository import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with both distributions, built as pip would."""
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    """The wheel."""
    return zipfile.ZipFile(next(built.glob("*.whl")))


def files_of(folder: str) -> set[str]:
    """The files of a folder, from there, without what Python makes."""
    here = ROOT / folder
    found = {path for path in here.rglob("*") if "__pycache__" not in path.parts and path.is_file()}
    return {str(path.relative_to(here)) for path in found}


def test_the_wheel_has_every_file_of_its_packages(wheel: zipfile.ZipFile) -> None:
    """Modules, the marker of types, telemetry.yaml and the page's files; no tests, and nothing of the collector."""
    packages = ("instrumentation/celery_otel", "instrumentation/celery_otel_early", "api/celery_otel_api")
    wanted = {f"{Path(package).name}/{name}" for package in packages for name in files_of(package)}
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert {"celery_otel/telemetry.yaml", "celery_otel/py.typed", "celery_otel_api/static/page.html"} <= wanted
    assert wanted == inside


def test_the_wheel_bears_its_licence_and_entry_points(wheel: zipfile.ZipFile) -> None:
    """Celery finds the commands, OpenTelemetry the instrumentor, and a lawyer the licence."""
    names = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    entry_points = wheel.read(names["entry_points.txt"]).decode()

    assert (ROOT / "LICENSE").read_bytes() == wheel.read(names["licenses/LICENSE"])
    assert {"console_scripts", "celery.commands", "opentelemetry_instrumentor", "opentelemetry_pre_instrument"} == set(
        re.findall(r"^\[(.*)\]$", entry_points, re.MULTILINE)
    )


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    """It has what `make test` needs, and no environment and no cache."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    for folder in ("instrumentation", "api", "collector", "tests", "docs"):
        assert {f"{folder}/{name}" for name in files_of(folder) - ignored()} <= names
    assert {"Makefile", "constraints.txt", "compose.yaml", "otel-collector.yaml", "pyproject.toml"} <= names
    assert [] == [name for name in names if name.startswith((".venv", ".run")) or "__pycache__" in name]


def ignored() -> set[str]:
    """What git ignores in these folders: the user's own secrets for Kubernetes."""
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return {line.partition("/docs/")[2] for line in lines if line.startswith("/docs/")}
