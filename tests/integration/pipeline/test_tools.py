"""Where the Go programs come from."""

import os
import subprocess
from pathlib import Path

import pytest

from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.tools import TOOLS, ToolError, tool_path

MAKE = ["make", "-s", "tool-path"]


@pytest.mark.parametrize("name", TOOLS)
def test_tool_runs(name: str) -> None:
    """Every program is found or built, and runs."""
    asked = "version" if name == "jaeger" else "--version"
    done = subprocess.run([tool_path(name), asked], capture_output=True, text=True, check=True)

    assert "version" in done.stdout + done.stderr


def test_variable_names_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that the user names is used, and one that does not exist is an error naming the variable."""
    monkeypatch.setenv("CELERY_OTEL_TOOL_PROMTOOL", "/bin/true")
    assert tool_path("promtool") == Path("/bin/true")

    monkeypatch.setenv("CELERY_OTEL_TOOL_PROMTOOL", "/no/such/program")
    with pytest.raises(ToolError, match="CELERY_OTEL_TOOL_PROMTOOL='/no/such/program'"):
        tool_path("promtool")


def test_unknown_tool_is_an_error() -> None:
    """A misspelt name is told, with the names that exist."""
    with pytest.raises(ToolError, match="otelcol, prometheus, promtool, jaeger"):
        tool_path("otlcol")
    done = subprocess.run([*MAKE, "NAME=otlcol"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "otelcol, prometheus, promtool, jaeger" in done.stderr


def path_printed(name: str, programs: Path) -> str:
    """Return what `make -s tool-path` prints when a folder comes first on the PATH."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    command = [*MAKE, f"NAME={name}"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


READY_MADE = [
    ("otelcol", "otelcol-contrib"),
    ("prometheus", "prometheus"),
    ("promtool", "promtool"),
    ("jaeger", "jaeger"),
]


@pytest.mark.parametrize(("name", "program"), READY_MADE)
def test_ready_made_program_with_the_features_is_used(name: str, program: str, tmp_path: Path) -> None:
    """A program on the PATH that does what the configuration needs makes a build needless."""
    (tmp_path / program).symlink_to(tool_path(name))

    assert path_printed(name, tmp_path) == str(tmp_path / program)


@pytest.mark.parametrize(("name", "program"), READY_MADE)
def test_ready_made_program_without_the_features_is_not_used(name: str, program: str, tmp_path: Path) -> None:
    """A program of the right name that cannot do what the configuration needs is passed over."""
    (tmp_path / program).symlink_to("/bin/false")
    usual = tool_path(name)

    assert path_printed(name, tmp_path) == str(usual)
