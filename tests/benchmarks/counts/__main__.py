"""The command line: `python -m tests.benchmarks.counts` (`make bench-counts`)."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.console import say
from tests.benchmarks.counts.contest import CONTENDERS, contest
from tests.benchmarks.counts.report import BEGIN, END, details, table
from tests.benchmarks.monitors import CELERY_EXPORTER, FLOWER
from tests.benchmarks.report import replaced

PAGE = Path(__file__).parents[3] / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, print the table and every wrong count, and write the table into the page if asked to."""
    options = _options(arguments)
    contenders = [contender for contender in CONTENDERS if contender.key in options.contenders]
    scores = contest(contenders, seed=options.seed, progress=say)
    measured = f"{_conditions(options.seed)}\n\n{table(scores)}"
    sys.stdout.write(f"{measured}\n\n{details(scores)}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), measured, BEGIN, END))
        say(f"written to {PAGE}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [contender.key for contender in CONTENDERS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.counts", description="Who counts right?")
    parser.add_argument("--contenders", nargs="*", choices=keys, default=keys, help="who counts (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="decides the order of the outcomes (default: 1)")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/{PAGE.name}")
    return parser.parse_args(arguments)


def _conditions(seed: int) -> str:
    return (
        f"Two prefork workers with four children each on Redis, early ack, all outcomes of the ledger in the order of "
        f"seed {seed}; celery {version('celery')}, celery-otel {version('celery-otel')}, prometheus-exporter-celery "
        f"{CELERY_EXPORTER.version()}, Flower {FLOWER.version()}, opentelemetry-instrumentation-celery "
        f"{version('opentelemetry-instrumentation-celery')}. A count is a task and a status of the plan."
    )


if __name__ == "__main__":
    main()
