"""Looks for known weaknesses: `python -m tests.audit` (`make audit`). Exit status 1 if a new one is found.

The tools are no dependency of the project: they have an environment of their own under ~/.cache/celery-otel.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.tools import tool_path

CACHE = Path.home() / ".cache" / "celery-otel" / "audit"
TOOLS = ("pip-audit", "bandit")
GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck@v1.1.4"
GO_PROGRAMS = ("otelcol", "prometheus", "promtool", "jaeger")
#: What govulncheck ends with when it has found something; with others it could not look.
FOUND = 3
OWN = ("instrumentation", "api", "collector")
#: What bandit says that is no weakness here: docs/security.md has the reasons.
TRIAGED = ("B101", "B105", "B310", "B404", "B603", "B607")


def main() -> int:
    """Runs all, and returns the exit status."""
    found = [_done(name, run) for name, run in (("bandit", _bandit), ("pip-audit", _pip_audit), ("govulncheck", _go))]
    return int(any(found))


def _done(name: str, run: Callable[[], bool]) -> bool:
    _say(f"--- {name}")
    found = run()
    _say(f"--- {name}: {'findings' if found else 'no finding'}")
    return found


def _tool(name: str) -> str:
    if not (CACHE / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", CACHE], check=True)
        subprocess.run([CACHE / "bin" / "pip", "install", "--quiet", *TOOLS], check=True)
    return str(CACHE / "bin" / name)


def _bandit() -> bool:
    argv = [_tool("bandit"), "--quiet", "--recursive", "--skip", ",".join(TRIAGED), *OWN]
    return bool(_status(argv))


def _pip_audit() -> bool:
    """What is pinned. A package whose page of weaknesses cannot be had is skipped by the tool, and counted here."""
    argv = [_tool("pip-audit"), "--requirement", "constraints.txt", "--no-deps", "--disable-pip"]
    argv += ["--format", "json", "--progress-spinner", "off"]
    _say(f"$ {' '.join(argv)}")
    said = subprocess.run(argv, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True).stdout
    packages = json.loads(said)["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    found = [package for package in packages if package.get("vulns")]
    _say(f"{len(packages) - len(skipped)} of {len(packages)} packages could be looked up, {len(found)} have weaknesses")
    for package in found:
        _say(str(package))
    return bool(found)


def _go() -> bool:
    """The programs as they are built: their source is not needed. Where the database is away, the tool says so."""
    environment = {**os.environ, "GOBIN": str(CACHE / "bin"), "GOFLAGS": "-mod=mod"}
    program = CACHE / "bin" / "govulncheck"
    if not program.exists():
        subprocess.run(["go", "install", GOVULNCHECK], check=True, env=environment)  # noqa: S607  # Go's is on the PATH
    statuses = [_status([str(program), "-mode=binary", str(tool_path(name))]) for name in GO_PROGRAMS]
    return FOUND in statuses


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _status(argv: Sequence[str]) -> int:
    _say(f"$ {' '.join(argv)}")
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
