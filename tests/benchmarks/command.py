"""The command line of the benchmark."""

import argparse
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import steadiness
from tests.benchmarks.comparison import TURNS, compare
from tests.benchmarks.console import packages, say
from tests.benchmarks.contestant import CONCURRENCY
from tests.benchmarks.picture import draw
from tests.benchmarks.report import replaced, tables
from tests.benchmarks.variants import BARE, VARIANTS

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
PICTURE = PAGE.parent / "images" / "overhead.png"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it into the page if asked to."""
    options = _options(arguments)
    variants = [variant for variant in VARIANTS if variant is BARE or variant.key in options.variants]
    loops = steadiness.measured()
    rounds = compare(variants, rounds=options.pairs, tasks=options.tasks, progress=say)
    steady = steadiness.told([*loops, *steadiness.measured()])
    report = f"{_conditions(options.pairs, options.tasks)} {steady}\n\n{tables(rounds, variants)}"
    sys.stdout.write(f"{report}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), report))
        draw(rounds, variants, PICTURE)
        say(f"written to {PAGE}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [variant.key for variant in VARIANTS if variant is not BARE]
    parser = argparse.ArgumentParser(prog="overhead.py", description="Measure what the instrumentation costs.")
    parser.add_argument("--pairs", type=_at_least(1), default=8, help="rounds of fresh workers (default: 8)")
    parser.add_argument("--tasks", type=_at_least(50 * TURNS), default=4000, help="tasks per worker and round")
    parser.add_argument("--variants", nargs="*", choices=keys, default=keys, help="what is compared with bare Celery")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _at_least(lowest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text} is too few: give at least {lowest}")
        return int(text)

    return number


def _conditions(rounds: int, tasks: int) -> str:
    return (
        f"{rounds} rounds of {tasks} tasks per worker, prefork with {CONCURRENCY} children, Redis, "
        f"Python {platform.python_version()}, {packages()}."
    )
