"""Thousands of tasks that Hypothesis chooses, and what befalls their workers in between: a state machine.

`python -m tests.chaos.machine` (`make chaos-machine`). After each of its walks every series equals what became of the
tasks. Nothing is shrunk: a walk takes a minute. The seed repeats what was chosen, not what the machine made of it.
"""

import argparse
import itertools
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.acceptance.ledger.scene import Pipeline
from tests.chaos.result import Result
from tests.chaos.world import TASKS, World

#: How often Prometheus scrapes: each restart of a worker waits for some scrapes.
SCRAPES = "1s"
#: Steps of a walk.
STEPS = 30
WORKERS, CHILDREN = st.integers(0, 1), st.integers(0, 3)
SOME, MANY = st.integers(20, 100), st.integers(200, 500)
NAMES = st.sampled_from(sorted(TASKS))

Report = Callable[[Result], None]


def walk(tasks: int, seed: int, directory: Path, report: Report, steps: int = STEPS) -> None:
    """Walk until so many attempts were received.

    Args:
        tasks: How many attempts, at least.
        seed: Decides the steps.
        directory: For logs and data.
        report: Told of each walk.
        steps: How many steps a walk has at most.

    Raises:
        AssertionError: A number is not as it must be.
    """
    played: list[Result] = []
    # A walk that fails is walked once more by Hypothesis, which wants another world for it.
    numbers = itertools.count()

    def done(result: Result) -> None:
        played.append(result)
        report(result)

    with Pipeline(directory / "pipeline", scrape_interval=SCRAPES) as pipeline:

        def make() -> World:
            name = f"walk-{next(numbers)}"
            return World(pipeline, directory / name, name)

        while sum(result.attempts for result in played) < tasks:
            machine = hypothesis.seed(seed + len(played))(partial(Walk, make, done))
            run_state_machine_as_test(machine, settings=_settings(steps))  # type: ignore[arg-type]  # a maker will do


def _settings(steps: int) -> settings:
    return settings(
        max_examples=2,  # the first one is the simplest that there is
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


class Walk(RuleBasedStateMachine):
    """One walk: a world is made, things are done to it, and in the end it is compared.

    Args:
        make: Makes the world, its workers started.
        done: Told what was compared.
    """

    def __init__(self, make: Callable[[], World], done: Report) -> None:
        super().__init__()
        self._done = done
        self.world = make()

    @rule(task=NAMES, number=SOME)
    def publish(self, task: str, number: int) -> None:
        """Send some of a task."""
        self.world.publish(task, number)

    @rule(task=NAMES, number=MANY)
    def publish_many(self, task: str, number: int) -> None:
        """Send more than the workers can do at once."""
        self.world.publish(task, number)

    @rule(which=WORKERS, nth=CHILDREN)
    def kill_child(self, which: int, nth: int) -> None:
        """Kill a child, whatever it does."""
        self.world.kill_child(which, nth)

    @rule()
    def cut_connections(self) -> None:
        """Break all connections to the broker."""
        self.world.cut_connections()

    @rule(which=WORKERS)
    def restart(self, which: int) -> None:
        """Stop a worker in an orderly way, and start it again."""
        self.world.restart(which)

    @rule()
    def kill_collector(self) -> None:
        """Kill the collector and start it again."""
        self.world.kill_collector()

    def teardown(self) -> None:
        """Compare."""
        try:
            self._done(self.world.compared())
        finally:
            self.world.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, say what was compared, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.machine", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000, help="at least so many attempts (default: 10 000)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides the steps")
    options = parser.parse_args(arguments)
    _say(f"at least {options.tasks} attempts from seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="celery-otel-chaos-") as name:
        walk(options.tasks, options.seed, Path(name), lambda result: _say(f"a walk: {result}"))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
