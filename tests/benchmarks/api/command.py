"""The command line of the API's benchmark."""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.api.report import BEGIN, END, tables
from tests.benchmarks.api.run import ENTRIES, FEW, run
from tests.benchmarks.api.wrk import CONNECTIONS, LoadError, program
from tests.benchmarks.monitors import FLOWER
from tests.benchmarks.report import replaced

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the tables, and writes them into the page if asked to."""
    options = _options(arguments)
    try:
        program()
    except LoadError as error:
        sys.exit(str(error))
    FLOWER.python()
    busy = os.getloadavg()[0]
    results = run(seconds=options.seconds, requests=options.requests, progress=_say)
    measured = f"{_conditions(options.seconds, busy)}\n\n{tables(results)}"
    sys.stdout.write(f"{measured}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), measured, BEGIN, END))
        _say(f"written to {PAGE}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.api", description="Measure the API under load.")
    parser.add_argument("--seconds", type=int, default=10, help="of each load (default: 10)")
    parser.add_argument("--requests", type=int, default=100_000, help="over which memory is watched (default: 100000)")
    parser.add_argument("--write", action="store_true", help=f"write the tables into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _conditions(seconds: int, busy: float) -> str:
    packages = ", ".join(f"{name} {_version(name)}" for name in ("celery", "starlette", "uvicorn", "httptools"))
    return (
        f"{ENTRIES} active entries of {FEW} simulated workers, Redis, one process of the service on {os.cpu_count()} "
        f"cores that the load shares, {CONNECTIONS} connections of wrk for {seconds} s, Python "
        f"{platform.python_version()}, {packages}, Flower {FLOWER.version()}. The machine's load before: {busy:.1f}."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
