"""The command line: `python -m tests.benchmarks.instructions` (`make instructions`)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.comparison import collecting
from tests.benchmarks.console import packages, say
from tests.benchmarks.instructions.counting import FEW, MANY, Instructions, per_task
from tests.benchmarks.instructions.report import BEGIN, END, table
from tests.benchmarks.report import replaced
from tests.benchmarks.variants import BARE, VARIANTS, Variant

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"
DEFAULT = ("headers", "metrics", "kept", "spans", "sampled", "events", "upstream")


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, print the table, and write it into the page if asked to."""
    options = _options(arguments)
    variants = [variant for variant in VARIANTS if variant is BARE or variant.key in options.variants]
    counted: list[tuple[Variant, list[Instructions]]] = [(variant, []) for variant in variants]
    with collecting() as collector:
        for number in range(1, options.rounds + 1):
            for variant, counts in counted:
                say(f"round {number} of {options.rounds}, {variant.meaning}: {MANY} tasks under Valgrind")
                counts.append(per_task(variant, collector.otlp_http_endpoint))
    measured = f"{_conditions(options.rounds)}\n\n{table(counted)}"
    sys.stdout.write(f"{measured}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), measured, BEGIN, END))
        say(f"written to {PAGE}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [variant.key for variant in VARIANTS if variant is not BARE and not variant.beside]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.instructions", description=__doc__)
    parser.add_argument(
        "--variants", nargs="*", choices=keys, default=DEFAULT, help="what is compared with bare Celery"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: 3)")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _conditions(rounds: int) -> str:
    return (
        f"Instructions per task that does nothing: the difference between {MANY} tasks and {FEW}, in user mode, of one "
        f"prefork worker with 2 children, in {rounds} rounds, Redis, Python {sys.version.split()[0]}, {packages()}."
    )


if __name__ == "__main__":
    main()
