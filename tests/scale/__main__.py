"""The command line: `python -m tests.scale` (`make scale`). Exit status 1 if a trial does not balance."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from celery_otel_pipeline.polling import DeadlineError
from celery_otel_pipeline.repository import ROOT
from tests.scale.report import replaced, table
from tests.scale.store import STORES
from tests.scale.trials import TRIALS, Result, Trial, run

PAGE = ROOT / "docs" / "guides" / "scale-out.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials, print the table, and write it into the page if asked to."""
    options = _options(arguments)
    chosen = [trial for trial in TRIALS if trial.key in options.only]
    results = [result for trial in chosen if (result := _tried(trial, options))]
    text = f"{_conditions(options)}\n\n{table(results)}"
    _say(f"\n{text}")
    if options.write and len(results) == len(TRIALS):
        PAGE.write_text(replaced(PAGE.read_text(), text))
        _say(f"written to {PAGE}")
    return int(len(results) < len(chosen))


def _tried(trial: Trial, options: argparse.Namespace) -> Result | None:
    begin = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix=f"celery-otel-scale-{trial.key}-"))
    try:
        result = run(trial, STORES[options.store], directory, times=options.times, seed=options.seed)
    except (AssertionError, DeadlineError) as error:
        _say(f"{trial.title}: NOT EQUAL after {time.monotonic() - begin:.0f} s, logs in {directory}\n{error}")
        return None
    shutil.rmtree(directory)
    taken = f"{time.monotonic() - begin:.0f} s"
    _say(f"{trial.title}: equal, {result.course.said}; points by gateway {result.points}; {result.verdict}; {taken}")
    return result


def _conditions(options: argparse.Namespace) -> str:
    return (
        f"Two prefork workers of four children, each with an agent of its own, and {STORES[options.store].title}; all "
        "outcomes of the ledger but time limits and killed children, "
        f"each {options.times} times at most, in the order of seed {options.seed}."
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [trial.key for trial in TRIALS]
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, help="these trials (default: all)")
    parser.add_argument("--store", choices=list(STORES), default="victoriametrics", help="where metrics are written to")
    parser.add_argument("--times", type=int, default=8, help="attempts of each outcome, at most (default: 8)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides the order")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/guides/{PAGE.name}")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
