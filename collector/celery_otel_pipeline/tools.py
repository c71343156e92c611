"""The Go programs: the collector, Prometheus and its tool, Jaeger, and those for more than one machine."""

import os
import shutil
import subprocess
from pathlib import Path

from celery_otel_pipeline.repository import ROOT

TOOLS = ("otelcol", "prometheus", "promtool", "jaeger")
#: What `make scale` needs, and no test.
SCALE_TOOLS = ("otelcol-scale", "victoria-metrics")


class ToolError(RuntimeError):
    """A program could not be found or built."""


def tool_path(name: str) -> Path:
    """Return the path of a program; the first call may build it, which takes minutes and shows its progress.

    The variable `CELERY_OTEL_TOOL_<NAME>`, as in `CELERY_OTEL_TOOL_OTELCOL`, names one to use instead.

    Raises:
        ToolError: The name is none of ours, the variable names no program, or the build failed.
    """
    if name not in (*TOOLS, *SCALE_TOOLS):
        raise ToolError(f"unknown tool {name!r}: known are {', '.join((*TOOLS, *SCALE_TOOLS))}")
    chosen = os.environ.get(_variable(name))
    return _checked(name, chosen) if chosen else _made(name)


def _variable(name: str) -> str:
    return f"CELERY_OTEL_TOOL_{name.upper().replace('-', '_')}"


def _checked(name: str, chosen: str) -> Path:
    if shutil.which(chosen) is None:
        raise ToolError(f"{_variable(name)}={chosen!r} is no program: correct the path or unset it")
    return Path(chosen).absolute()


def _made(name: str) -> Path:
    command = ["make", "--silent", "--no-print-directory", "tool-path", f"NAME={name}"]
    # Called from a recipe of make, the outer make's flags (-n, -j) must not reach the inner one.
    env = {variable: value for variable, value in os.environ.items() if variable not in {"MAKEFLAGS", "MFLAGS"}}
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - fixed
    if done.returncode != 0:
        raise ToolError(f"`{' '.join(command)}` failed with status {done.returncode}: its output above says why")
    return Path(done.stdout.strip())
