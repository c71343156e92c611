"""The picture of a trace."""

from io import StringIO

import pytest
from docs.examples.demo.driver.planned_trace import planned_spans
from docs.examples.demo.driver.waterfall import waterfall
from rich.console import Console

from celery_otel_pipeline.spans import Trace
from tests.unit.demo.traces import planned_trace, request, trace_of

TREE = [
    "POST /orders",
    "├╴send celery",
    "│ └╴playground.fetch.page",
    "│   └╴send celery",
    "│     └╴playground.fetch.page",
    "│       └╴send celery",
    "│         └╴playground.texts.count_text",
    "└╴send celery",
    "  └╴playground.training.search",
]


def drawn(trace: Trace, width: int = 140) -> list[str]:
    """Return the lines of the picture of a trace."""
    output = StringIO()
    Console(file=output, width=width).print(waterfall(trace, width))
    return output.getvalue().splitlines()


@pytest.mark.parametrize("width", [100, 140])
def test_every_span_stands_below_its_parent(width: int) -> None:
    """The tree is whole at every width, and no line is longer than the terminal."""
    header, *lines = drawn(planned_trace(), width)
    edge = header.index("service")
    assert TREE == [line[:edge].rstrip() for line in lines if line[:edge].strip() and "Linked" not in line]
    assert max(len(line) for line in lines) <= width


def test_a_narrow_terminal_gets_short_names() -> None:
    """With 80 columns the names of tasks go without their modules, and the bars keep their room."""
    header, *lines = drawn(planned_trace(), 80)
    assert {80} == {len(line) for line in lines if "Linked" not in line}
    assert "│         └╴count_text" in [line[: header.index("service")].rstrip() for line in lines]
    assert header.index("end") - header.index("0 to") > 10


def test_a_line_has_service_times_and_end() -> None:
    """When it began and how long it took, in milliseconds, whose it is, and how it ended."""
    (search,) = (line.split() for line in drawn(planned_trace()) if "playground.training.search" in line)
    assert ["playground", "800", "50"] == search[1:4]
    assert ["FAILURE", "timeout"] == search[-2:]
    (retried,) = (line.split() for line in drawn(planned_trace()) if "SUCCESS, retry 1" in line)
    assert ["400", "50"] == [word for word in retried if word.isdecimal()][:2]


def test_bars_lie_on_one_axis() -> None:
    """The first span's bar is at the left end, the last one's at the right, and each span has one."""
    header, *rows = (line for line in drawn(planned_trace()) if not line.startswith("Linked"))
    bars = [row[header.index("0 to") : header.index("end")] for row in rows]
    begins = [len(bar) - len(bar.lstrip()) for bar in bars]
    assert begins == sorted(begins)
    assert len(begins) == len([bar for bar in bars if bar.strip()])
    assert 0 == begins[0]


def test_links_are_said() -> None:
    """A link that leads within the trace is named by both ends."""
    page = "process playground.fetch.page"
    assert [f"Linked: {page}, retry 1 → {page}"] == [line for line in drawn(planned_trace()) if "Linked" in line]


def test_a_span_without_its_parent_is_shown_all_the_same() -> None:
    """Where a parent is missing, what is below it stands at the left."""
    lines = drawn(trace_of(planned_spans(request())[1:]))
    assert 2 == len([line for line in lines if line.startswith("send celery")])
