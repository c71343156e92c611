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


def test_the_wheel_has_every_file_of_its_packages(wheel: zipfile.ZipFile) -> None:
    """Modules, the marker of types, telemetry.yaml and the page's files: all that git has of them."""
    packages = ("instrumentation/celery_otel", "instrumentation/celery_otel_early", "api/celery_otel_api")
    listed = subprocess.run(["git", "ls-files", *packages], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {path.partition("/")[2] for path in listed.splitlines()}

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
    """It has what `make test` needs, and nothing that git ignores."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    left_out = {path for path in listed if path not in names}

    assert {"PKG-INFO"} == names - set(listed)
    assert {path for path in left_out if not path.startswith(".github/")} == set()
