"""The command line: `python -m tests.attacks` (`make attack`). Exit status 1 if an attack did what it must not."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from celery_otel_pipeline.collector import Collector
from celery_otel_pipeline.redis import RedisServer
from tests.attacks import ends, floods, headers, names, receivers, scenes, way
from tests.attacks.api import ATTACKS
from tests.attacks.target import Target
from tests.attacks.values import CELERYS, OURS, PROPERTIES
from tests.attacks.verdict import Verdict

PARTS = ("worker", "floods", "api", "collector")
FLOODS: dict[str, tuple[str, floods.Messages]] = {
    "tasks": ("distinct names of unknown tasks", floods.tasks),
    "queues": ("distinct names of queues", floods.queues),
    "errors": ("distinct classes of exceptions", floods.errors),
    "large": ("messages with 1.5 MB of headers", floods.large),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Attacks, says what came of it, and returns the exit status."""
    options = _options(arguments)
    print(f"seed {options.seed}")  # noqa: T201  # the table is what the program is for
    failed = 0
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="celery-otel-attacks-")))
        broker = stack.enter_context(RedisServer(directory / "broker"))
        for part in PARTS:
            if options.only in {None, part}:
                failed += sum(_said(_PLAYED[part](broker, directory, options)))
    return int(bool(failed))


def _said(verdicts: Iterator[Verdict]) -> Iterator[bool]:
    """Prints each line as it comes; whether something is wrong with it."""
    begin = time.monotonic()
    for verdict in verdicts:
        print(f"{verdict}; {time.monotonic() - begin:.0f} s", flush=True)  # noqa: T201  # as above
        begin = time.monotonic()
        yield bool(verdict.wrong)


def _worker(broker: RedisServer, directory: Path, options: argparse.Namespace) -> Iterator[Verdict]:
    with scenes.target(broker, directory) as target:
        yield ends.attack(target)
        yield way.attack(target, options.tasks, 500, options.seed)
        yield way.foreign(target)

    def bare() -> Target:
        return scenes.target(broker, directory, bare=True)

    for places in (OURS, PROPERTIES, CELERYS):
        with scenes.target(broker, directory) as target:
            yield headers.attack(target, bare, places)


def _floods(broker: RedisServer, directory: Path, options: argparse.Namespace) -> Iterator[Verdict]:
    if options.flood in {None, "names"}:
        yield names.attack()
    for key, (name, messages) in FLOODS.items():
        if options.flood in {None, key}:
            with scenes.target(broker, directory) as target:
                yield floods.attack(target, name, messages, floods.LARGE if key == "large" else options.names)


def _api(broker: RedisServer, directory: Path, _: argparse.Namespace) -> Iterator[Verdict]:
    for name, attack in ATTACKS.items():
        with scenes.api(directory / name, broker.url) as api:
            yield attack(api)


def _collector(_: RedisServer, directory: Path, options: argparse.Namespace) -> Iterator[Verdict]:
    with Collector(directory / "collector") as collector:
        yield receivers.attack(collector, options.requests, options.seed)


Played = Callable[[RedisServer, Path, argparse.Namespace], Iterator[Verdict]]
_PLAYED: dict[str, Played] = {"worker": _worker, "floods": _floods, "api": _api, "collector": _collector}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--flood", choices=("names", *FLOODS), help="of the floods this one alone")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides what is random")
    parser.add_argument("--names", type=int, default=20_000, help="distinct names of each kind (default: 20000)")
    parser.add_argument("--tasks", type=int, default=20, help="tasks that write garbage (default: 20)")
    parser.add_argument("--requests", type=int, default=2_000, help="random requests to the collector (default: 2000)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
