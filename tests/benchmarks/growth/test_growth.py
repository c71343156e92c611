"""The arithmetic of growth, and one small run of everything that is measured."""

from math import inf
from pathlib import Path

import pytest

from tests.benchmarks.growth.formula import Formula
from tests.benchmarks.growth.growth import FLAT, LINEAR, Growth
from tests.benchmarks.growth.parts import PARTS, Part
from tests.benchmarks.growth.picture import draw
from tests.benchmarks.growth.report import failures, table
from tests.benchmarks.growth.results import load, save
from tests.benchmarks.growth.scale import SMALL

SIZES = (0, 1, 10, 100, 1000)


def _growth(power: float, bound: float) -> Growth:
    return Growth("CPU", "µs", {size: 3.0 * size**power if size else 3.0 for size in SIZES}, bound)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_of_the_size(power: float) -> None:
    """A size of 0 has no logarithm, and does not disturb."""
    assert pytest.approx((power, power)) == (_growth(power, LINEAR).exponent, _growth(power, LINEAR).last)


def test_what_grows_faster_at_the_end_does_not_hold() -> None:
    """A square that is hidden below a constant shows in the last step, when the whole still looks linear."""
    hidden = Growth("CPU", "µs", {size: 1000.0 + size**2 / 10 for size in SIZES}, LINEAR)
    assert hidden.exponent < LINEAR < hidden.last
    assert not hidden.holds


def test_a_figure_that_grows_is_told_and_marked() -> None:
    """The table has the exponent in bold, and the command says what is wrong."""
    part = PARTS[0]
    *_, flat, steep = table(part, [_growth(0.0, FLAT), _growth(1.0, FLAT)]).splitlines()
    assert "| CPU, µs | 3.0 | 3.0 | 3.0 | 3.0 | 3.0 | 0.00 | 0.1 |" == flat
    assert "| CPU, µs | 3.0 | 3.0 | 30 | 300 | 3,000 | **1.00** | 0.1 |" == steep
    (said,) = failures({part: [_growth(0.0, FLAT), _growth(1.0, FLAT)]})
    assert said.startswith("CPU grows with task names by the exponent 1.00")


def test_the_documentation_says_how_many_series_a_worker_has() -> None:
    """The formula is found, and counts tasks, exporters and spans."""
    formula = Formula.documented()
    assert formula.base + 2 + 3 * formula.task + formula.spans == formula.series(3, exporters=2)
    assert formula.base + 1 == formula.series(0, spans=False)


def test_what_is_kept_of_a_part_is_what_was_measured(tmp_path: Path) -> None:
    """Sizes, values and bounds come back, also of a figure without a bound."""
    grown = {PARTS[1]: [_growth(0.5, FLAT), _growth(0.5, inf)]}
    save(tmp_path / "kept" / "growth.json", grown)
    assert grown == load(tmp_path / "kept" / "growth.json")
    assert {} == load(tmp_path / "nothing.json")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_every_part_is_measured(part: Part, tmp_path: Path) -> None:
    """One small run, with real servers and workers, gives a number for each size, and a picture.

    An idle worker's series are as many as documented, and no record of a child is lost: else it raises.
    """
    growths = part.measure(tmp_path, SMALL)
    assert all(value >= 0 for growth in growths for value in growth.points.values())
    assert len({tuple(growth.points) for growth in growths}) == 1
    draw({part: growths}, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 0
