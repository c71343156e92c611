"""The tables of the API's benchmark."""

import pytest

from tests.benchmarks.api.measurements import Delays, Loaded, Memory
from tests.benchmarks.api.report import BEGIN, END, tables
from tests.benchmarks.api.run import OfFlower, Results
from tests.benchmarks.api.wrk import Load
from tests.benchmarks.report import replaced

LOAD = Load(requests=5000, seconds=5.0, p50=0.0123, p99=0.0456, failed=2)
DELAYS = Delays.of([0.1, 0.3, 0.2])
RESULTS = Results(
    page=Loaded(LOAD, broadcasts=3, cpu=2.5),
    everything=Loaded(LOAD, broadcasts=2, cpu=5.0),
    broadcasts_at_once=1,
    memory=Memory(100_000, 80.0, 80.5),
    snapshot=DELAYS,
    flower=OfFlower(LOAD, LOAD, (DELAYS, 8.0), (DELAYS, 1.0)),
)


def test_a_load_is_told_with_what_it_cost() -> None:
    """Rate, times, failures, CPU per request, and broadcasts beside the number of refresh intervals."""
    rows = tables(RESULTS).splitlines()
    assert "| `tasks/status`, pages of 100 | 1000 | 12.3 ms | 45.6 ms | 2 | 500 µs | 3, for 2.5 |" == rows[2]
    assert "| Flower, `/api/tasks?limit=100` | 1000 | 12.3 ms | 45.6 ms | 2 |  |  |" == rows[4]


def test_each_goal_stands_beside_its_measurement() -> None:
    """Whoever reads the page sees whether it was met."""
    rows = tables(RESULTS).splitlines()
    assert "| broadcasts for 100 requests at once | 1 | 1 |" in rows
    assert any("| 200.0 ms, at most 300.0 ms | 300 ms |" in row for row in rows)
    assert any("| 80.0 MB, 80.5 MB | flat |" in row for row in rows)


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    """The page around the numbers stays as it was written."""
    assert f"before\n{BEGIN}\n\nnew\n\n{END}\nafter" == replaced(
        f"before\n{BEGIN}\nold\n{END}\nafter", "new", BEGIN, END
    )


def test_a_page_without_markers_is_refused() -> None:
    """Numbers are never written where nobody asked for them."""
    with pytest.raises(ValueError, match="no place for the numbers"):
        replaced("a page", "new", BEGIN, END)
