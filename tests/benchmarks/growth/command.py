"""The command line. Exit status 1 if something grows faster than it may."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from tests.benchmarks.growth.parts import PARTS, Grown, Part
from tests.benchmarks.growth.picture import draw
from tests.benchmarks.growth.report import BEGIN, END, failures, table, tables
from tests.benchmarks.growth.results import DEFAULT, load, save
from tests.benchmarks.growth.scale import FULL, Scale
from tests.benchmarks.report import replaced

PAGE = ROOT / "docs" / "performance.md"
PICTURE = PAGE.parent / "images" / "growth.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write them into the page if asked to, and return the exit status."""
    options = _options(arguments)
    new = measured(
        [part for part in PARTS if part.key in options.parts], options.results, replace(FULL, rounds=options.rounds)
    )
    grown = {part: new[part] for part in PARTS if part in new}
    text = f"{_conditions()}\n\n{tables(grown)}"
    sys.stdout.write(f"{text}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), text, BEGIN, END), encoding="utf-8")
        draw(grown, PICTURE)
        _say(f"written to {PAGE}")
    wrong = failures(grown)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


def measured(parts: Sequence[Part], results: Path, scale: Scale) -> Grown:
    """Measure some parts, say and keep what comes out of each at once, and return all that is kept.

    Args:
        parts: What is measured anew.
        results: The file of what is kept.
        scale: How large.
    """
    for part in parts:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="celery-otel-growth-") as name:
            growths = part.measure(Path(name), scale)
        # Read anew: another run may have measured another part meanwhile.
        save(results, {**load(results), part: growths})
        _say(f"{table(part, growths)}\n({time.monotonic() - begin:.0f} s)")
    return load(results)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [part.key for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description="Measure how costs grow.")
    parser.add_argument(
        "--parts",
        nargs="*",
        choices=keys,
        default=keys,
        help="what is measured anew (default: all)",
    )
    parser.add_argument(
        "--results", type=Path, default=DEFAULT, help=f"what was measured of other parts is kept there ({DEFAULT})"
    )
    parser.add_argument(
        "--rounds", type=int, default=FULL.rounds, help="of how many real workers a point is the median"
    )
    parser.add_argument("--write", action="store_true", help=f"write the tables into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _conditions() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "opentelemetry-sdk", "celery-otel"))
    machine = f"{os.cpu_count()} cores; the machine's load at the end: {os.getloadavg()[0]:.1f}"
    return f"Python {platform.python_version()}, {packages}, {machine}."


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
