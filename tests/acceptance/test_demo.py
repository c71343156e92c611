"""`make demo`, as a user runs it: exact numbers, one trace as planned, honest failures, and nothing left behind."""

import json
import os
import re
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
from docs.examples.demo.driver.comparison import compare, differing, read
from docs.examples.demo.driver.model_run import BEST_SCORE
from docs.examples.demo.driver.plan import TOTAL, Key, Plan
from docs.examples.demo.driver.planned_trace import deviations
from docs.examples.demo.driver.scenario import Scenario

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.samples import Sample, parse_samples
from celery_otel_pipeline.spans import parse_traces
from celery_otel_pipeline.tools import tool_path

MARK = "DEMO_TEST_MARK"
RUNNING = "running 87 jobs"
METRICS_PAGE = "the collector's page"
LAST_LINE = "take their JSON."
ALL_EQUAL = re.compile(r"All \d+ numbers are equal\.")
AS_PLANNED = "All 9 spans are as planned: parents, ends and links."
KEPT = "All 26 spans of training and tuning bear celery.keep."
COLUMNS = 5
README = ROOT / "docs" / "examples" / "demo" / "README.md"
SEARCH_FAILURE = Key(TOTAL, "playground.training.search", "status", "failure")
SECONDS_TO_START = 180.0
SECONDS_TO_END = 240.0
SECONDS_TO_ANSWER = 30.0


class DemoRun:
    """A demo in a process of its own; every process that comes from it carries a mark.

    Attributes:
        process: The demo's process.
    """

    def __init__(self, directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._mark = uuid.uuid4().hex
        self._temporary = directory / "tmp"
        self._temporary.mkdir()
        environment = {
            MARK: self._mark,
            # This tree, wherever the environment's own installation leads.
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("collector", "instrumentation", "api")),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._temporary),
            **_chosen_tools(),
            **(env or {}),
        }
        command = [sys.executable, str(ROOT / "docs" / "examples" / "demo" / "run.py"), *arguments]
        self.process = Process("demo", command, directory=directory, env=environment)

    def shows(self, text: str, seconds: float = SECONDS_TO_START) -> None:
        """Wait until the demo has printed a text."""
        wait_until(
            # In this order: what it printed at its very end is there when it has ended.
            lambda: not self.process.alive or text in self.process.log,
            deadline=seconds,
            message=lambda: f"the demo has not printed {text!r}:\n{self.process.log}",
        )
        assert text in self.process.log, f"the demo ended without printing {text!r}:\n{self.process.log}"

    def ends(self) -> int:
        """Wait for the demo's end and return its exit status."""
        return self.process.wait(SECONDS_TO_END)

    def named(self, *words: str) -> psutil.Process:
        """Return the oldest of the demo's processes whose command line has all these words."""
        found = [entry for entry in self.survivors() if all(word in command_line(entry) for word in words)]
        assert found, f"no process of the demo has {words} in its command line"
        return min(found, key=lambda entry: entry.create_time())

    def survivors(self) -> list[psutil.Process]:
        """Return all living processes that come from this demo, itself included."""
        return [entry for entry in psutil.process_iter() if self._is_ours(entry)]

    @property
    def left_directories(self) -> list[str]:
        """What the demo has left in the directory for temporary files."""
        return [entry.name for entry in self._temporary.iterdir() if entry.name.startswith("celery-otel-demo-")]

    def _is_ours(self, entry: psutil.Process) -> bool:
        try:
            return entry.environ().get(MARK) == self._mark
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def command_line(process: psutil.Process) -> str:
    """Return the command line of a process; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _chosen_tools() -> dict[str, str]:
    """Return the variables that name ready-made tools; a Process does not pass them on by itself."""
    return {name: value for name, value in os.environ.items() if name.startswith("CELERY_OTEL_TOOL_")}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., DemoRun]]:
    """Return what starts a demo; at the end nothing that came from it may be left."""
    runs: list[DemoRun] = []

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> DemoRun:
        runs.append(DemoRun(tmp_path, *arguments, env=env))
        runs[-1].process.start()
        return runs[-1]

    yield start
    for run in runs:
        run.process.stop()


def planned(seed: int) -> Plan:
    """Return the demo's plan for a seed."""
    return Scenario(seed, "http://127.0.0.1:1", Path("pictures")).plan()


def expected(seed: int) -> dict[Key, int]:
    """Return the numbers of the demo's plan for a seed."""
    return planned(seed).expected()


def printed_statuses(log: str) -> dict[Key, list[str]]:
    """Return for each row of the first table, that of `celery_task_total`, its three last cells."""
    table = log.partition(f"{TOTAL}: ")[2].partition("celery_task_received_total: ")[0]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines()]
    return {Key(TOTAL, row[0], "status", row[1]): row[2:] for row in cells if len(row) == COLUMNS}


def linked(log: str, name: str) -> str:
    """Return an address that the demo has printed."""
    return log.rpartition(f"{name}: ")[2].split()[0]


def readme_queries() -> list[str]:
    """Return the queries that the demo's README offers."""
    queries = re.findall(r"^\| [A-Z][^|]*\? \| `([^`]+)`", README.read_text(), re.MULTILINE)
    assert queries, f"no table of queries in {README}"
    return queries


def samples(address: str) -> list[Sample]:
    """Ask Prometheus."""
    return parse_samples(json.loads(fetch(address))["data"])


def shown_numbers(address: str, wanted: Mapping[Key, int]) -> dict[Key, float]:
    """Return what Prometheus shows once it shows what is wanted; without the best score, which no plan knows.

    The plan is over and the numbers stay, but for a second it may show none: after a scrape that the collector, on a
    busy machine, did not answer within the interval.
    """
    shown: dict[Key, float] = {}

    def equal() -> bool:
        read_now = read(lambda expression: samples(f"{address}?{urlencode({'query': expression})}"))
        shown.clear()
        shown.update({key: value for key, value in read_now.items() if key.metric != BEST_SCORE})
        return not differing(compare(wanted, shown))

    wait_until(equal, deadline=SECONDS_TO_ANSWER, message=lambda: f"differing: {differing(compare(wanted, shown))}")
    return shown


def shown_samples(address: str) -> list[Sample]:
    """Return what Prometheus answers, once that is not nothing; see `shown_numbers`."""
    return wait_until(
        lambda: samples(address), deadline=SECONDS_TO_ANSWER, message=f"{address} finds nothing", interval=0.5
    )


def test_once_shows_equal_numbers_and_ends(start: Callable[..., DemoRun]) -> None:
    """`--once` prints tables in which every number is equal, a trace as planned, ends with 0 and leaves nothing."""
    demo = start("--once")
    status = demo.ends()
    assert status == 0, demo.process.log
    counts = {key: number for key, number in expected(1).items() if key.metric == TOTAL and number}
    rows = {key: [str(number), str(number), "yes"] for key, number in counts.items()}
    assert rows == printed_statuses(demo.process.log)
    numbers, trace = ALL_EQUAL.split(demo.process.log)
    assert " NO " not in numbers
    assert AS_PLANNED in trace
    assert KEPT in trace
    assert ["FAILURE timeout"] == re.findall(r"playground\.training\.search .*(FAILURE timeout)", trace)
    assert ["SUCCESS, retry 1"] == re.findall(r"playground\.fetch\.page .*(SUCCESS, retry 1)", trace)
    assert demo.survivors() == []
    assert demo.left_directories == []


def test_it_stays_up_with_links_until_interrupted(start: Callable[..., DemoRun]) -> None:
    """Without `--once` links and the README's queries answer with the plan's numbers and trace; Ctrl-C ends all."""
    demo = start("--seed", "7")
    demo.shows(LAST_LINE, SECONDS_TO_END)
    assert "celery_task_total" in fetch(linked(demo.process.log, METRICS_PAGE))
    api = linked(demo.process.log, "Prometheus, the same as JSON").partition("?")[0]
    shown = shown_numbers(api, expected(7))
    one_more = {SEARCH_FAILURE: expected(7)[SEARCH_FAILURE] + 1}
    assert [row.key for row in differing(compare(expected(7) | one_more, shown))] == [SEARCH_FAILURE]
    for query in readme_queries():
        shown_samples(f"{api}?{urlencode({'query': query})}")
    (trace,) = parse_traces(json.loads(fetch(linked(demo.process.log, "Jaeger, the same as JSON"))))
    assert [] == deviations(planned(7).units[0], trace)
    demo.process.signal(signal.SIGINT)
    assert demo.ends() == 0, demo.process.log
    assert demo.survivors() == []
    assert demo.left_directories == []


def test_a_collector_that_hangs_makes_numbers_differ(start: Callable[..., DemoRun]) -> None:
    """Numbers that cannot be equal, because the collector stands still, end with status 1 and the logs kept."""
    demo = start("--once", "--deadline", "15")
    demo.shows(RUNNING)
    demo.named("otel-collector.yaml").send_signal(signal.SIGSTOP)
    assert demo.ends() == 1, demo.process.log
    assert "numbers differ." in demo.process.log
    assert " NO " in demo.process.log
    assert demo.survivors() == []
    assert len(demo.left_directories) == 1


def test_a_killed_worker_is_named(start: Callable[..., DemoRun]) -> None:
    """When a worker's main process is killed, the demo says which, shows its log and ends with status 1."""
    demo = start("--once")
    demo.shows(RUNNING)
    demo.named("celery", "worker-2@%h").kill()
    assert demo.ends() == 1, demo.process.log
    assert "worker-2 ended in the middle of the demo." in demo.process.log
    assert "worker-2.log" in demo.process.log
    assert "run `make demo` again" in demo.process.log
    assert demo.survivors() == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(start: Callable[..., DemoRun], signum: signal.Signals) -> None:
    """Ctrl-C or SIGTERM while tasks run, limits and searches among them, ends every process."""
    demo = start("--once")
    demo.shows(RUNNING)
    demo.process.signal(signum)
    assert demo.ends() == 130, demo.process.log
    assert demo.survivors() == []
    assert demo.left_directories == []


def test_a_signal_while_servers_start_leaves_nothing(start: Callable[..., DemoRun]) -> None:
    """Ctrl-C before the first worker is ready ends what was started so far."""
    demo = start()
    demo.shows("starting worker-1")
    demo.process.signal(signal.SIGINT)
    assert demo.ends() == 130, demo.process.log
    assert demo.survivors() == []


def test_a_signal_while_jaeger_builds_leaves_nothing(start: Callable[..., DemoRun], tmp_path: Path) -> None:
    """Ctrl-C while Go compiles Jaeger, with the tables already shown, ends every process, the compilers too."""
    unfit = shutil.which("false")
    assert unfit is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jaeger").symlink_to(unfit)
    built = {f"CELERY_OTEL_TOOL_{name.upper()}": str(tool_path(name)) for name in ("otelcol", "prometheus")}
    caches = {"CELERY_OTEL_CACHE": str(tmp_path / "cache"), "GOCACHE": str(tmp_path / "compiled")}
    demo = start("--once", env={**built, **caches, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    demo.shows("building jaeger", SECONDS_TO_END)
    assert ALL_EQUAL.search(demo.process.log)
    wait_until(
        lambda: any("/compile " in command_line(entry) for entry in demo.survivors()),
        # Before that Go reads every module, which takes long where nobody has read them since the machine began.
        deadline=SECONDS_TO_START,
        message="Go compiles nothing",
    )
    demo.process.signal(signal.SIGINT)
    assert demo.ends() == 130, demo.process.log
    assert demo.survivors() == []
    assert demo.left_directories == []


def test_a_jaeger_that_does_not_start_is_named_and_the_numbers_count(start: Callable[..., DemoRun]) -> None:
    """Without Jaeger the tables are shown all the same; its name, its log and status 1 say that the trace is not."""
    broken = shutil.which("false")
    assert broken is not None
    demo = start("--once", env={"CELERY_OTEL_TOOL_JAEGER": broken})
    assert demo.ends() == 1, demo.process.log
    numbers, rest = ALL_EQUAL.split(demo.process.log)
    assert " NO " not in numbers
    assert "Jaeger did not start" in rest
    assert "jaeger.log" in rest
    assert "The numbers above hold all the same" in rest
    assert "as planned" not in rest
    assert demo.survivors() == []


def test_a_trace_that_is_not_as_planned_is_named(start: Callable[..., DemoRun], tmp_path: Path) -> None:
    """Spans that never reach Jaeger are each named, with equal numbers above them and status 1 at the end."""
    deaf = tmp_path / "deaf-jaeger"
    deaf.write_text(f'#!/bin/sh\nCELERY_OTEL_JAEGER_OTLP_ENDPOINT=127.0.0.1:0 exec "{tool_path("jaeger")}" "$@"\n')
    deaf.chmod(0o700)
    demo = start("--once", "--deadline", "30", env={"CELERY_OTEL_TOOL_JAEGER": str(deaf)})
    assert demo.ends() == 1, demo.process.log
    numbers, trace = ALL_EQUAL.split(demo.process.log)
    assert " NO " not in numbers
    assert "The trace is not as planned:" in trace
    assert 9 == trace.count("the trace lacks")
    assert demo.survivors() == []
    assert len(demo.left_directories) == 1


def test_a_server_that_does_not_start_is_named(start: Callable[..., DemoRun]) -> None:
    """A collector that ends at once gives its name, its log and the next step, and status 1."""
    broken = shutil.which("false")
    assert broken is not None
    demo = start("--once", env={"CELERY_OTEL_TOOL_OTELCOL": broken})
    assert demo.ends() == 1, demo.process.log
    assert "collector did not start" in demo.process.log
    assert "collector.log" in demo.process.log
    assert "run `make demo` again" in demo.process.log
    assert demo.survivors() == []
