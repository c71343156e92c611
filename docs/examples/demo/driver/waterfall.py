"""Draws a trace: a line for each span below its parent, with a bar on a common time axis."""

from collections.abc import Iterator

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from celery_otel_pipeline.spans import Span, Trace

from .planned_trace import end_of, name_of

MILLISECONDS = 1000.0
# So much of the axis is seen even of the shortest span.
SHORTEST = 0.012
# From these widths on there is room for a task's whole name, and for an end in one line.
FOR_NAMES, FOR_ENDS = 95, 115
END_WIDTH = 25
NARROW_END_WIDTH = 18
COLORS = {"server": "magenta", "client": "magenta", "producer": "blue", "consumer": "green"}


def waterfall(trace: Trace, width: int) -> RenderableType:
    """Return the picture of a trace.

    Args:
        trace: Its spans.
        width: Columns of the terminal.
    """
    begin = min(span.start for span in trace.spans)
    length = max(span.start + span.duration for span in trace.spans) - begin
    table = _empty_table(f"0 to {length:.2f} s", END_WIDTH if width >= FOR_ENDS else NARROW_END_WIDTH)
    for guide, span in _tree(trace):
        offset = span.start - begin
        times = (f"{seconds * MILLISECONDS:.0f}" for seconds in (offset, span.duration))
        label = Text.assemble((guide, "dim"), _label(span, whole=width >= FOR_NAMES))
        table.add_row(label, span.service, *times, _bar(span, offset, length), Text(_end(span), style=_color(span)))
    return Group(table, *_links(trace))


def _empty_table(axis: str, end_width: int) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("span", no_wrap=True)
    table.add_column("service", no_wrap=True)
    for column in ("at ms", "took"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column(axis, ratio=1, no_wrap=True)
    table.add_column("end", width=end_width, overflow="fold")
    return table


def _tree(trace: Trace) -> Iterator[tuple[str, Span]]:
    """Yield each span behind its parent, with the lines that lead to it; one without its parent is a root."""
    ids = {span.span_id for span in trace.spans}
    for root in (span for span in trace.spans if span.parent_id not in ids):
        yield "", root
        yield from _below(trace, root, "")


def _below(trace: Trace, parent: Span, guide: str) -> Iterator[tuple[str, Span]]:
    children = [span for span in trace.spans if span.parent_id == parent.span_id]
    for child in children:
        last = child is children[-1]
        yield f"{guide}{'└╴' if last else '├╴'}", child
        yield from _below(trace, child, f"{guide}{'  ' if last else '│ '}")


def _label(span: Span, *, whole: bool) -> str:
    """A message processed goes by its task's name, which says more than "process" in front of it."""
    task: str = span.tags.get("celery.task.name", "")
    if span.kind != "consumer" or not task:
        return span.operation
    return task if whole else task.rpartition(".")[2]


def _end(span: Span) -> str:
    status = str(span.tags.get("http.response.status_code", ""))
    retries = span.tags.get("celery.task.retries", 0) if span.kind == "consumer" else 0
    return (end_of(span) or status) + (f", retry {retries}" if retries else "")


def _color(span: Span) -> str:
    if span.status == "error":
        return "red"
    return "yellow" if span.tags.get("celery.task.state") == "RETRY" else COLORS.get(span.kind, "cyan")


def _bar(span: Span, offset: float, length: float) -> Bar:
    shortest = SHORTEST * length
    begin = min(offset, length - shortest)
    return Bar(length, begin, begin + max(span.duration, shortest), color=_color(span))


def _links(trace: Trace) -> Iterator[Text]:
    names = {span.span_id: name_of(span) for span in trace.spans}
    for span in trace.spans:
        for link in span.links:
            target = names.get(link.span_id, f"span {link.span_id} of trace {link.trace_id}")
            yield Text(f"Linked: {names[span.span_id]} → {target}", style="dim")
