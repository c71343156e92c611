"""Turns results into the tables of `docs/performance.md`."""

from collections.abc import Sequence

from tests.benchmarks.api.measurements import AT_ONCE, Delays, Loaded
from tests.benchmarks.api.run import MANY, Results
from tests.benchmarks.api.scene import REFRESH_INTERVAL
from tests.benchmarks.api.wrk import Load

BEGIN = "<!-- api: begin, by python -m tests.benchmarks.api --write -->"
END = "<!-- api: end -->"
LOADS = (
    "load",
    "requests per second",
    "p50",
    "p99",
    "failed",
    "CPU of the service per request",
    "broadcasts, for how many refresh intervals",
)
MICROSECONDS = 1_000_000
OTHERS = ("what", "measured", "goal")


def tables(results: Results) -> str:
    """The results as Markdown."""
    flower = results.flower
    loads = [
        _load("`tasks/status`, pages of 100", results.page.load, results.page),
        _load("`tasks/status?limit=1000`", results.everything.load, results.everything),
        _load("Flower, `/api/tasks?limit=100`", flower.page),
        _load("Flower, `/api/tasks?limit=1000`", flower.everything),
    ]
    return f"{_table(LOADS, loads)}\n\n{_table(OTHERS, _others(results))}"


def _others(results: Results) -> list[tuple[str, ...]]:
    memory, flower = results.memory, results.flower
    return [
        (f"broadcasts for {AT_ONCE} requests at once", str(results.broadcasts_at_once), "1"),
        (f"snapshot of {MANY} workers, from the last answer to the caller", _delays(results.snapshot), "300 ms"),
        (
            f"resident memory before and after {memory.requests} requests",
            f"{memory.before:.1f} MB, {memory.after:.1f} MB",
            "flat",
        ),
        ("`workers/status?fresh=true`", _refresh(*flower.ours), ""),
        ("Flower, `/api/workers?refresh=1`", _refresh(*flower.refresh), ""),
    ]


def _refresh(delays: Delays, commands: float) -> str:
    return f"{_delays(delays)}; {commands:g} commands to every worker"


def _load(name: str, load: Load, ours: Loaded | None = None) -> tuple[str, ...]:
    cpu = "" if ours is None else f"{ours.cpu_per_request * MICROSECONDS:.0f} µs"
    asked = "" if ours is None else f"{ours.broadcasts}, for {load.seconds / REFRESH_INTERVAL:.1f}"
    return name, f"{load.rate:.0f}", _milliseconds(load.p50), _milliseconds(load.p99), str(load.failed), cpu, asked


def _delays(delays: Delays) -> str:
    return f"{_milliseconds(delays.middle)}, at most {_milliseconds(delays.longest)}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows))
