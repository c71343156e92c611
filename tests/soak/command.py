"""The command line. Exit status 1 if something has grown, or a count is not as planned."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from tests.benchmarks.report import replaced
from tests.soak.report import BEGIN, END, text
from tests.soak.run import soak

PAGE = ROOT / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print the table, write it into the page if asked to, and return the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="celery-otel-soak-") as name:
        soaked = soak(options.minutes * 60, Path(name), bare=options.bare, progress=_say)
    sys.stdout.write(f"{text(soaked)}\n")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(replaced(page, text(soaked), BEGIN, END), encoding="utf-8")
        _say(f"written to {PAGE}")
    wrong = soaked.wrong()
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Run workers at full rate for long.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--bare", action="store_true", help="Celery alone, to see what it does to memory itself")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
