"""What the demo shows: progress while it runs, the tables, the trace, the links to open."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from celery_otel_pipeline.spans import Trace

from .comparison import Row, differing, subject_of
from .kept_spans import MARK, Group
from .waterfall import waterfall

PLAIN_WIDTH = 100
PLAIN_EVERY_SECONDS = 2.0

TITLES = {
    "celery_task_total": "how each attempt ended",
    "celery_task_received_total": "attempts that the workers received",
    "celery_task_duration_seconds_count": "attempts that have a duration",
    "celery_task_failures_total": "why attempts failed",
    "celery_task_retries_total": "why attempts are tried again",
    "celery_task_revocations_total": "why attempts were revoked",
    "celery_task_timeouts_total": "time limits that fired",
    "celery_task_returned_total": "attempts that went back to the broker",
    "celery_task_duplicates_total": "attempts that started twice",
    "celery_active_tasks": "attempts that still run",
    "celery_training_runs_total": "how each training ended",
    "celery_training_models_total": "models trained",
    "celery_training_samples_sum": "samples, added up",
    "celery_training_features_sum": "features, added up",
    "celery_tuning_runs_total": "how each search ended",
    "celery_tuning_iterations_sum": "settings tried",
    "celery_tuning_best_score": "of the last search",
}
HEADINGS = {"task_name": "task", "model_type": "model type", "method": "method"}


@dataclass(frozen=True)
class Progress:
    """How far the plan is.

    Attributes:
        planned: Attempts that there will be.
        ended: Attempts that have ended, by the witness.
        counted: Attempts that Prometheus has counted so far.
        active: Running tasks as Prometheus shows them now, by task name.
    """

    planned: int
    ended: int
    counted: int
    active: Mapping[str, int] = field(default_factory=dict)


class Screen:
    """The terminal, or a plain stream of lines where there is none."""

    def __init__(self, console: Console | None = None) -> None:
        """Take the console to write to; by default standard output."""
        console = console or Console()
        self._console = console if console.is_terminal else _plain(console)
        self._began = time.monotonic()
        self._live: Live | None = None
        self._last_line = ""
        self._last_time = 0.0

    def say(self, text: str) -> None:
        """Print a line with the seconds since the beginning."""
        seconds = time.monotonic() - self._began
        self._console.print(Text(f"{seconds:6.1f} s  {text}"))

    def error(self, text: str) -> None:
        """Print what went wrong; never broken into lines, so that paths in it can be copied."""
        self._console.print(Text(text, style="red"), soft_wrap=True)

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show progress in place while the block runs, if this is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, transient=True) as self._live:
            yield
        self._live = None

    def progress(self, progress: Progress) -> None:
        """Show how far the plan is: in place on a terminal, else as a line every two seconds, if it is news."""
        if self._live is not None:
            self._live.update(_progress_view(progress))
            return
        line = _progress_line(progress)
        if line != self._last_line and time.monotonic() - self._last_time >= PLAIN_EVERY_SECONDS:
            self._last_line, self._last_time = line, time.monotonic()
            self.say(line)

    def tables(self, rows: Sequence[Row]) -> None:
        """Print what happened beside what Prometheus says."""
        shown = [row for row in rows if row.happened or row.prometheus]
        for metric, title in TITLES.items():
            of_metric = [row for row in shown if row.key.metric == metric]
            if of_metric:
                self._console.print(_table(f"{metric}: {title}", of_metric))
        zeros = len(rows) - len(shown)
        self._console.print(f"{zeros} more numbers are 0 in both, as they must be.")
        self._console.print(_verdict(rows))

    def trace(self, trace: Trace, deviations: Sequence[str], address: str) -> None:
        """Print a trace as a waterfall, and what is not as planned in it.

        Args:
            trace: The trace.
            deviations: In words; empty where all is as planned.
            address: Where it was read from.
        """
        self._console.print(Text("\nOne trace, as Jaeger has it: a web request and all that came of it", style="bold"))
        if trace.spans:
            self._console.print(waterfall(trace, self._console.width))
        self._console.print(_trace_verdict(trace, deviations))
        for deviation in deviations:
            self.error(f"  {deviation}")
        self._print_link("read from", address)

    def kept(self, found: Mapping[Group, int], lacking: Sequence[str]) -> None:
        """Print how many spans of training and tuning Jaeger has, and where that is not as planned."""
        self._console.print(Text("\nKept for certain: the spans of training and tuning", style="bold"))
        for group, number in sorted(found.items()):
            self._console.print(Text(f"  {group.kind} {group.label}: {number}"))
        self._console.print(_kept_verdict(found, lacking))
        for sentence in lacking:
            self.error(f"  {sentence}")

    def links(self, links: Mapping[str, str]) -> None:
        """Print addresses to open."""
        self._console.print("\nEverything stays up until Ctrl-C. To open:")
        for name, url in links.items():
            self._print_link(f"  {name}", url)
        self._console.print("Prometheus and Jaeger have no web pages where `make` built them: take their JSON.")

    def _print_link(self, name: str, url: str) -> None:
        # Never broken into lines: a terminal makes an address that stands in one line a link.
        self._console.print(f"{name}: {url}", soft_wrap=True, highlight=False, markup=False)


def _plain(console: Console) -> Console:
    return Console(file=console.file, width=PLAIN_WIDTH, force_terminal=False)


def _progress_line(progress: Progress) -> str:
    line = f"{progress.ended} of {progress.planned} attempts ended, {progress.counted} counted by Prometheus"
    running = ", ".join(f"{name.rpartition('.')[2]} {count}" for name, count in progress.active.items())
    return f"{line}; active now: {running}" if running else line


def _progress_view(progress: Progress) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    ended = ProgressBar(total=progress.planned, completed=progress.ended, width=40)
    counted = ProgressBar(total=progress.planned, completed=progress.counted, width=40)
    grid.add_row("attempts ended", ended, f"{progress.ended} of {progress.planned}")
    grid.add_row("counted by Prometheus", counted, f"{progress.counted} of {progress.planned}")
    active = [Text(f"  active: {name} {count}") for name, count in progress.active.items()]
    return Lines(grid, *active)


def _table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    metric = rows[0].key.metric
    for column in (HEADINGS[subject_of(metric)], rows[0].key.label):
        table.add_column(column, overflow="fold")
    for column in ("happened", "Prometheus", "equal"):
        table.add_column(column, justify="right")
    for _, of_subject in groupby(rows, key=lambda row: row.key.subject):
        for row in of_subject:
            table.add_row(row.key.subject, row.key.value, *_cells(row))
        table.add_section()
    return table


def _cells(row: Row) -> tuple[str, str, Text]:
    prometheus = "no series" if row.prometheus is None else f"{row.prometheus:g}"
    equal = Text("yes", style="green") if row.equal else Text("NO", style="bold red")
    return f"{row.happened:g}", prometheus, equal


def _verdict(rows: Sequence[Row]) -> Text:
    wrong = differing(rows)
    if not wrong:
        return Text(f"All {len(rows)} numbers are equal.", style="bold green")
    return Text(f"{len(wrong)} of {len(rows)} numbers differ.", style="bold red")


def _trace_verdict(trace: Trace, deviations: Sequence[str]) -> Text:
    if deviations:
        return Text("The trace is not as planned:", style="bold red")
    return Text(f"All {len(trace.spans)} spans are as planned: parents, ends and links.", style="bold green")


def _kept_verdict(found: Mapping[Group, int], lacking: Sequence[str]) -> Text:
    if lacking:
        return Text("They are not as planned:", style="bold red")
    return Text(f"All {sum(found.values())} spans of training and tuning bear {MARK}.", style="bold green")
