"""The command line. Exit status 1 if something grows faster than it may."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from tests.benchmarks.growth.parts import PARTS, Grown, Part
from tests.benchmarks.growth.picture import draw
from tests.benchmarks.growth.report import BEGIN, END, failures, table, tables
from tests.benchmarks.growth.scale import FULL, SMALL, Scale
from tests.benchmarks.report import replaced

PAGE = ROOT / "docs" / "performance.md"
PICTURE = PAGE.parent / "images" / "growth.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write them into the page if asked to, and return the exit status."""
    options = _options(arguments)
    grown = measured([part for part in PARTS if part.key in options.parts], SMALL if options.small else FULL)
    text = f"{_conditions()}\n\n{tables(grown)}"
    sys.stdout.write(f"{text}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), text, BEGIN, END), encoding="utf-8")
        draw(grown, PICTURE)
        _say(f"written to {PAGE}")
    wrong = failures(grown)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


def measured(parts: Sequence[Part], scale: Scale) -> Grown:
    """Measure some parts, and say what comes out of each at once."""
    grown: Grown = {}
    for part in parts:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="celery-otel-growth-") as name:
            grown[part] = part.measure(Path(name), scale)
        _say(f"{table(part, grown[part])}\n({time.monotonic() - begin:.0f} s)")
    return grown


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [part.key for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description="Measure how costs grow.")
    parser.add_argument("--parts", nargs="*", choices=keys, default=keys, help="what grows (default: everything)")
    parser.add_argument("--small", action="store_true", help="a trial with small sizes, whose figures say nothing")
    parser.add_argument("--write", action="store_true", help=f"write the tables into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _conditions() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "opentelemetry-sdk", "celery-otel"))
    machine = f"{os.cpu_count()} cores; the machine's load at the end: {os.getloadavg()[0]:.1f}"
    return f"Python {platform.python_version()}, {packages}, {machine}."


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
