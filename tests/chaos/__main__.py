"""The command line: `python -m tests.chaos` (`make chaos`). Exit status 1 if a round does not come out as it must."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from celery_otel_pipeline.polling import DeadlineError
from celery_otel_pipeline.process import ProcessDiedError
from tests.chaos.event import Event
from tests.chaos.events import EVENTS, black_hole
from tests.chaos.figures import keep
from tests.chaos.result import Result
from tests.chaos.rounds import Round, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Play rounds, say what each did, and return the exit status."""
    options = _options(arguments)
    chosen = _chosen(options)
    _say(f"{len(chosen)} rounds from seed {options.seed}: repeat one with --only SEED, and the same --event if any")
    failed = [one for number, one in enumerate(chosen, 1) if not _holds(one, f"{number}/{len(chosen)}", options)]
    _say(f"{len(chosen) - len(failed)} of {len(chosen)} rounds came out as they must")
    return int(bool(failed))


def _chosen(options: argparse.Namespace) -> list[Round]:
    seeds = random.Random(options.seed)
    numbers = [seeds.randrange(1_000_000) for _ in range(options.rounds)] if options.only is None else [options.only]
    return [Round.of(number, _event(options), state=options.state, busy=options.busy) for number in numbers]


def _event(options: argparse.Namespace) -> Event | None:
    if options.black_hole:
        return black_hole(options.black_hole)
    return next((event for event in EVENTS if event.key == options.event), None)


def _holds(chosen: Round, position: str, options: argparse.Namespace) -> bool:
    begin = time.monotonic()
    for reason in chosen.left_out:
        _say(f"{position} left out here: {reason}")
    with tempfile.TemporaryDirectory(prefix="celery-otel-chaos-") as name:
        result = _played(chosen, Path(name))
    seconds = time.monotonic() - begin
    _say(f"{position} {chosen}: {result}; {seconds:.0f} s")
    if options.figures:
        keep(options.figures, chosen, result, seconds)
    return isinstance(result, Result)


def _played(chosen: Round, directory: Path) -> Result | str:
    try:
        return run(chosen, directory)
    except (AssertionError, DeadlineError, ProcessDiedError) as error:
        return f"NOT AS IT MUST BE\n{error}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides all of them")
    parser.add_argument("--only", type=int, metavar="SEED", help="repeat this one round")
    parser.add_argument("--event", choices=[event.key for event in EVENTS], help="only this happens; by default any")
    parser.add_argument("--black-hole", type=float, metavar="SECONDS", help="only this: exports vanish for so long")
    parser.add_argument("--state", action="store_true", help="the workers keep their counts on the disk")
    parser.add_argument("--busy", action="store_true", help="the machine has other work: leave the time limits out")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="append each round's figures as a line of JSON")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
