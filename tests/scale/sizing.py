"""How much a core of agents and gateways bears: `python -m tests.scale.sizing` (`make scale-sizing`).

CPU time is what is measured, so it may take as long as it likes: two cores for all that runs here say nothing of rates.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.server import Server
from tests.scale.__main__ import PAGE
from tests.scale.load import JOB, Body, metrics_of, points_of, send, spans, worker_names
from tests.scale.report import SIZED_BEGIN, SIZED_END, markdown, replaced
from tests.scale.store import STORES
from tests.scale.tier import PATIENCE, Tier

_MARK = Path(__file__).parent / "mark_metrics.yaml"
_TASKS = 20
_MICROSECONDS = 1_000_000
_MEGABYTE = 1_000_000
#: Longer than spans wait for their trace: what comes after it counts too.
_QUIET = 8.0
#: A part of one core that is no work.
_IDLE = 0.03


@dataclass(frozen=True)
class Sized:
    """What a kind of collector used for a load.

    Attributes:
        what: The kind, and what it did.
        units: What the load was made of: `points` or `spans`.
        number: How many of them.
        cpu: Seconds of CPU.
        memory: Resident bytes at the end.
    """

    what: str
    units: str
    number: int
    cpu: float
    memory: int

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        each = self.cpu / self.number
        return (
            self.what,
            f"{self.number} {self.units}",
            f"{each * _MICROSECONDS:.1f} µs",
            f"{_rounded(1 / each)} {self.units}/s",
            f"{self.memory / _MEGABYTE:.0f} MB",
        )


def _rounded(rate: float) -> str:
    """Two digits that mean something."""
    return f"{float(f'{rate:.2g}'):.0f}"


class _AtRest:
    """Whether CPU time has hardly grown since it was last asked, at least `_QUIET` seconds ago."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._at, self._cpu = time.monotonic(), read()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._at < _QUIET:
            return False
        cpu = self._read()
        calm = cpu - self._cpu <= _IDLE * (now - self._at)
        self._at, self._cpu = now, cpu
        return calm


class Meter:
    """Measures what servers use while a load is sent and worked off.

    Args:
        servers: Who is measured.
    """

    def __init__(self, servers: Iterable[Server]) -> None:
        self._processes = [psutil.Process(server.pid) for server in servers]

    def measure(self, what: str, units: str, number: int, load: Callable[[], None]) -> Sized:
        """Run a load and wait until the servers have nothing more to do."""
        before = self._cpu()
        load()
        wait_until(_AtRest(self._cpu), deadline=PATIENCE, message=f"{what}: never at rest")
        memory = sum(process.memory_info().rss for process in self._processes)
        return Sized(what, units, number, self._cpu() - before, memory // len(self._processes))

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return sum(time.user + time.system for time in times)


def sized(tier: Tier, workers: int, exports: int, number: int) -> list[Sized]:
    """Send metrics of many workers and then spans, and measure agents and gateways at the same time."""
    agents, gateways = Meter(tier.agents[:1]), Meter(tier.gateways[:2])
    points = workers * exports * points_of(_TASKS)
    metrics = metrics_of(worker_names(workers), _TASKS, exports)
    lines = _both(
        agents, gateways, tier, ("points", points, metrics), "hands metrics on", "writes metrics to the store"
    )
    sampling = "marks, counts and samples spans, of which it keeps 10 %"
    return lines + _both(agents, gateways, tier, ("spans", number, spans(number)), "queues spans on disk", sampling)


def _both(
    agents: Meter, gateways: Meter, tier: Tier, load: tuple[str, int, Iterable[Body]], agent: str, gateway: str
) -> list[Sized]:
    units, number, bodies = load
    endpoint = tier.agents[0].otlp_http_endpoint
    inner: list[Sized] = []

    def through_agent() -> None:
        inner.append(agents.measure(f"agent: {agent}", units, number, lambda: _sent(endpoint, bodies)))

    outer = gateways.measure(f"gateway: {gateway}", units, number, through_agent)
    return [*inner, outer]


def _sent(endpoint: str, bodies: Iterable[Body]) -> None:
    send(endpoint, bodies)


def spread(tier: Tier, workers: int) -> str:
    """How workers that use both agents are spread over the gateways, as the store has it."""
    for agent in tier.agents:
        _sent(agent.otlp_http_endpoint, metrics_of(worker_names(workers), _TASKS, 2))
    wait_until(lambda: len(_writers(tier)) == workers, deadline=PATIENCE, message="the store has not every worker")
    writers = _writers(tier)
    several = sum(len(gateways) > 1 for gateways in writers.values())
    counts = [sum(gateways == {f"gateway-{number}"} for gateways in writers.values()) for number in (1, 2)]
    return (
        f"Of {workers} workers, each of which used both agents in turn, {counts[0]} were given to one gateway, "
        f"{counts[1]} to the other, {several} to both."
    )


def _writers(tier: Tier) -> dict[str, set[str]]:
    """The gateways that have written series of each worker."""
    writers: dict[str, set[str]] = {}
    for one in tier.prometheus.series(f'celery_task_received_total{{job="{JOB}"}}'):
        writers.setdefault(one.labels["instance"], set()).add(one.labels["trial_gateway"])
    return writers


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it into the page if asked to."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="celery-otel-sizing-") as name:
        text = _measured(options, Path(name))
    sys.stdout.write(f"{text}\n")
    if options.write:
        PAGE.write_text(replaced(PAGE.read_text(), text, SIZED_BEGIN, SIZED_END))


def _measured(options: argparse.Namespace, directory: Path) -> str:
    settings = {"MEMORY_LIMIT_MIB": "1024", "NUM_TRACES": "200000", "DECISION_WAIT": "5s"}
    store = STORES[options.store](directory / "store")
    with Tier(directory / "tier", store, settings=settings, mark=[]) as tier:
        lines = sized(tier, options.workers, options.exports, options.spans)
    again = STORES[options.store](directory / "store-of-spread")
    with Tier(directory / "spread", again, mark=[_MARK]) as tier:
        found = spread(tier, options.workers)
    head = ("what", "load", "CPU of each", "for one core", "memory of one")
    return f"{_conditions(options)}\n\n{markdown(head, [line.row() for line in lines])}\n\n{found}"


def _conditions(options: argparse.Namespace) -> str:
    return (
        f"{options.workers} simulated workers with {_TASKS} tasks each ({points_of(_TASKS)} points an export), "
        f"{options.exports} exports of each, then {options.spans} spans of 0.6 kB; one agent, two gateways, and "
        f"{STORES[options.store].title}. CPU time, user and system, of the collectors alone."
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.scale.sizing", description=__doc__)
    parser.add_argument("--workers", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--exports", type=int, default=20, help="of each worker (default: 20)")
    parser.add_argument("--spans", type=int, default=50_000, help="how many (default: 50000)")
    parser.add_argument("--store", choices=list(STORES), default="victoriametrics", help="where metrics are written to")
    parser.add_argument("--write", action="store_true", help=f"write the table into docs/guides/{PAGE.name}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
