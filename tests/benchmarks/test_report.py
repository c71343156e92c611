"""The benchmark's arithmetic, and one small run of the whole of it."""

import pytest

from tests.benchmarks.comparison import TURNS, Result, Round, compare
from tests.benchmarks.latency import Latency
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.report import AROUND, BEGIN, END, more_cpu, rate, ratios, replaced, spread, table
from tests.benchmarks.resources import Cpu, Memory, Spent
from tests.benchmarks.scrapes import Scrape
from tests.benchmarks.steadiness import told
from tests.benchmarks.traffic import Traffic
from tests.benchmarks.variants import BARE, VARIANTS

(OURS,) = [variant for variant in VARIANTS if variant.key == "spans"]

BROKER = Traffic(0.00005, 9.0, 2400, 1030)


def _round(bare: float, ours: float) -> Round:
    return {
        "bare": Result(Spent(Cpu(bare, 0.0002), bare), Memory(15.0, 17.0), 0.0005, BROKER, Latency(0.002, 0.004), None),
        "spans": Result(
            Spent(Cpu(ours, 0.0002), ours), Memory(20.0, 7.0), 0.0006, BROKER, Latency(0.0021, 0.0045), Scrape(0.012, 0)
        ),
    }


def test_each_round_is_compared_with_its_own_bare_worker() -> None:
    """A machine that is slower in one round changes both numbers, and not their ratio."""
    rounds = [_round(0.0008, 0.0009), _round(0.0018, 0.002)]
    assert pytest.approx([1.1, 1.1]) == ratios(rounds, "spans", more_cpu)
    assert pytest.approx([0.889, 0.9], abs=0.001) == ratios(rounds, "spans", rate)


def test_spread_is_the_median_with_the_quartiles() -> None:
    """One wild round moves neither the median nor the quartiles far."""
    assert "1.020 (1.010 to 1.030)" == spread([1.01, 1.03, 1.02, 1.0, 9.0])


def test_table_has_a_row_per_variant_with_what_it_adds() -> None:
    """Memory is told absolutely and against bare Celery; times in microseconds."""
    *_, bare, ours = table([_round(0.001, 0.0011)], [BARE, OURS]).splitlines()
    assert "| bare Celery | 1200 µs | 1000 µs | 1 |  | 1000 | 1 | 15.0 MB | 17.0 MB | 83.0 MB | 500 µs |" == bare
    assert ours.endswith(
        "| 1300 µs | 1100 µs | 1.083 | +0.20 % | 909 | 0.909 | "
        "20.0 MB (+5.0) | 7.0 MB (-10.0) | 48.0 MB (-35.0) | 600 µs |"
    )


def test_what_is_around_the_worker_has_a_table_of_its_own() -> None:
    """Latency is told beside bare Celery's, traffic per task, and a scrape where there is one."""
    *_, bare, ours = table([_round(0.001, 0.0011)], [BARE, OURS], AROUND).splitlines()
    assert "| bare Celery | 2.0 ms | 4.0 ms | 0 µs | 50 µs | 9.0 | 2.40 kB | 1.03 kB |  |  |" == bare
    assert ours.endswith("| 2.1 ms (+0.1) | 4.5 ms (+0.5) | 0 µs | 50 µs | 9.0 | 2.40 kB | 1.03 kB | 12 ms | 0 |")


def test_a_report_says_how_steady_the_machine_is() -> None:
    """The same loop, in milliseconds: how long it took, at best and at worst."""
    assert "took 12.0 ms of CPU there, between 10.5 and 20.0." in told([0.012, 0.0105, 0.020])


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    """The page around the numbers stays as it was written."""
    assert f"before\n{BEGIN}\n\nnew\n\n{END}\nafter" == replaced(f"before\n{BEGIN}\nold\n{END}\nafter", "new")


def test_a_page_without_markers_is_refused() -> None:
    """Numbers are never written where nobody asked for them."""
    with pytest.raises(ValueError, match="no place for the numbers"):
        replaced("a page", "new")


def test_workers_run_their_tasks_and_are_measured() -> None:
    """One small round, with the real broker and collector, gives a number for everything."""
    (results,) = compare([BARE, OURS], rounds=1, tasks=100 * TURNS, progress=lambda _: None)
    assert {"bare", "spans"} == results.keys()
    for result in results.values():
        assert result.spent.cpu.main > 0
        assert result.spent.cpu.children > 0
        assert result.spent.seconds > 0
        assert result.memory.main > 0
        assert result.memory.child > 0
        assert result.publishing > 0
        assert result.traffic.commands > 0
        assert result.latency.middle > 0
    assert results["bare"].scrape is None
    assert results["spans"].scrape is not None


def test_a_thread_that_looks_now_and_then_is_no_work() -> None:
    """A worker is quiet when its CPU time has as good as stood still for the whole time."""
    now = iter((0.0, 1.0, 2.0, 3.0, 4.0))
    quiet = Quiet(2.0, lambda: next(now))
    assert [False, False, False, True, False] == [quiet.since(value) for value in (0.0, 0.5, 0.5, 0.505, 0.7)]
