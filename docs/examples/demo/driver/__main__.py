"""`make demo`: run the playground on real data, compare Prometheus with what happened, and show one trace.

Exit status: 0 all numbers are equal and the trace is as planned; 1 a number differs, the trace is not as planned or
there is no Jaeger to ask for it, the application did otherwise than planned, or a server did not start; 130 ended by
Ctrl-C before all this was known.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from celery import Celery

from .comparison import differing
from .conductor import Conductor, ConductorError
from .display import Screen
from .front import FrontError
from .interruption import Interruption, is_interruption
from .performance import Performance
from .plan import Plan
from .scenario import Scenario
from .stack import Stack, StackError, started
from .tracing import Tracing
from .unreliable_server import UnreliableServer
from .witness import JournalReader, Witness

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit status."""
    options = parser().parse_args(arguments)
    screen = Screen()
    interruption = Interruption()
    interruption.install()
    return ended(Demo(screen, options.seed, options.deadline, interruption.check), screen, once=options.once)


def ended(demo: "Demo", screen: Screen, *, once: bool) -> int:
    """Run a demo to its end and return the exit status, having said why where it is not the demo's own."""
    try:
        return demo.run(once=once)
    except BaseException as error:
        if is_interruption(error):
            screen.say("interrupted: everything is stopped")
            return INTERRUPTED
        if not isinstance(error, StackError | ConductorError | FrontError):
            raise
        screen.error(f"\n{error}")
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the command line's description."""
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the tables and the trace instead of staying up")
    parser.add_argument("--seed", type=int, default=1, help="decides inputs and order (default: %(default)s)")
    parser.add_argument(
        "--deadline",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="longest wait for the tasks, then for Prometheus, then for the trace (default: %(default)s)",
    )
    return parser


class Workspace:
    """A directory for data and logs, removed at the end.

    Attributes:
        path: The directory.
        keep: Set it where something went wrong that the logs may explain; an error sets it too.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="celery-otel-demo-"))
        self.keep = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        failed = error is not None and not is_interruption(error)
        if not (failed or self.keep):
            shutil.rmtree(self.path)


class Demo:
    """One run of the demo, from nothing to nothing."""

    def __init__(self, screen: Screen, seed: int, deadline: float, check: Callable[[], None]) -> None:
        """Take where to show it, the plan's seed, the longest wait in seconds, and what raises once it is to end."""
        self._screen = screen
        self._seed = seed
        self._deadline = deadline
        self._check = check
        self._links: dict[str, str] = {}

    def run(self, *, once: bool) -> int:
        """Run it and return the exit status; unless `once`, stay up until Ctrl-C."""
        with (
            Workspace() as workspace,
            UnreliableServer() as server,
            started(workspace.path, self._screen.say, self._check) as stack,
        ):
            status = self._perform(stack, server, workspace)
            if not once:
                self._stay(stack)
        return status

    def _perform(self, stack: Stack, server: UnreliableServer, workspace: Workspace) -> int:
        """Run the plan, show the tables and the trace, and return the exit status."""
        scenario = Scenario(self._seed, server.url, workspace.path)
        plan = scenario.plan()
        server.follow(scenario.script)
        self._screen.say(f"running {len(plan.jobs)} jobs in {plan.attempts} attempts (seed {self._seed})")
        client = Celery("driver", broker=stack.broker_url, backend=stack.result_backend)
        witness = Witness(client, JournalReader(stack.journal), server.requests)
        performance = self._performance(stack, client, plan, witness)
        counted = self._count(performance, witness)
        traced = self._trace(stack, performance)
        workspace.keep = not (counted and traced and self._recount(performance))
        if workspace.keep:
            self._screen.error(f"Data and logs are kept in {workspace.path}")
        return int(workspace.keep)

    def _performance(self, stack: Stack, client: Celery, plan: Plan, witness: Witness) -> Performance:
        nodes = [worker.node_name for worker in stack.workers]
        conductor = Conductor(client, nodes, stack.children, stack.front.order, stack.check)
        query, check = stack.prometheus.query, stack.check
        return Performance(plan, conductor, witness, query, check, self._screen, self._deadline)

    def _count(self, performance: Performance, witness: Witness) -> bool:
        """Carry the plan out and show the tables; False where something differs."""
        rows = performance.run()
        self._screen.tables(rows)
        contradictions = witness.contradictions(performance.plan)
        self._complain(contradictions)
        return not (differing(rows) or contradictions)

    def _trace(self, stack: Stack, performance: Performance) -> bool:
        """Show the web request's trace and what else Jaeger must have; False where it is not as planned."""
        tracing = Tracing(stack, self._screen, self._deadline)
        as_planned = tracing.run(performance.plan, performance.conductor.trace_id)
        self._links = tracing.links
        return as_planned

    def _recount(self, performance: Performance) -> bool:
        """Look at the numbers again, since the collector was restarted; False where one differs now."""
        with self._screen.live():
            wrong = differing(performance.rows_after(time.time()))
        if wrong:
            self._screen.error(f"{len(wrong)} numbers differ now, after the restart of the collector.")
            return False
        self._screen.say("all numbers are equal after the restart, too")
        return True

    def _complain(self, contradictions: Sequence[str]) -> None:
        """Say where the application itself did otherwise: then the numbers cannot be those of the plan."""
        for sentence in contradictions:
            self._screen.error(f"Otherwise than planned: {sentence}")

    def _stay(self, stack: Stack) -> None:
        self._screen.links({**links(stack), **self._links})
        try:
            while True:
                stack.check()
                time.sleep(1)
        except KeyboardInterrupt:
            self._screen.say("Ctrl-C: ending")


def links(stack: Stack) -> dict[str, str]:
    """Return the addresses to open, by name, without Jaeger's."""
    prometheus = stack.prometheus.url
    query = urlencode({"g0.expr": "sum by (task_name, status) (celery_task_total)", "g0.tab": "1"})
    answer = urlencode({"query": "sum by (task_name, status) (celery_task_total) > 0"})
    return {
        "what runs: the API's page": stack.service.url,
        "Prometheus, the table's query": f"{prometheus}/query?{query}",
        "Prometheus, the same as JSON": f"{prometheus}/api/v1/query?{answer}",
        "the collector's page": stack.collector.metrics_url,
    }


if __name__ == "__main__":
    sys.exit(main())
