"""The command line: `python -m tests.chaos` (`make chaos`). Exit status 1 if a round does not balance."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from celery_otel_pipeline.polling import DeadlineError
from tests.acceptance.ledger.plan import Plan
from tests.chaos.rounds import Round, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Play rounds, say what each did, and return the exit status."""
    options = _options(arguments)
    seeds = random.Random(options.seed)
    _say(f"{options.rounds} rounds from seed {options.seed}: repeat one with --only SEED")
    chosen = [Round.of(seeds.randrange(1_000_000)) for _ in range(options.rounds)]
    if options.only is not None:
        chosen = [Round.of(options.only)]
    failed = [one for number, one in enumerate(chosen, 1) if not _balances(one, f"{number}/{len(chosen)}")]
    _say(f"{len(chosen) - len(failed)} of {len(chosen)} rounds are equal to their plan")
    return int(bool(failed))


def _balances(chosen: Round, position: str) -> bool:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="celery-otel-chaos-") as name:
        try:
            plan = run(chosen, Path(name))
        except (AssertionError, DeadlineError) as error:
            _say(f"{position} {chosen}: NOT EQUAL after {time.monotonic() - begin:.0f} s\n{error}")
            return False
    _say(f"{position} {chosen}: {_attempts(plan)} attempts, {len(plan)} series equal, {time.monotonic() - begin:.0f} s")
    return True


def _attempts(plan: Plan) -> int:
    return sum(number for series, number in plan.items() if series.metric == "celery_task_received_total")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides all of them")
    parser.add_argument("--only", type=int, metavar="SEED", help="repeat this one round")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
