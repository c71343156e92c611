"""The arithmetic of a soak, and a short one."""

from pathlib import Path

from tests.soak.mix import MIX, WEIGHTS
from tests.soak.report import table
from tests.soak.run import soak
from tests.soak.samples import Held, Samples
from tests.soak.verdict import Change, growing


def _samples(last: Held, series: int = 100) -> Samples:
    """Thirty samples, of which the last ones are different."""
    held = [Held(10.0, 20, 3)] * 26 + [last] * 4
    return Samples({"worker1": held, "Redis": held}, [100] * 26 + [series] * 4)


def _growing(samples: Samples) -> list[str]:
    return list(growing(samples, lambda name: name != "Redis"))


def test_the_warm_up_is_left_out() -> None:
    """A third of the run may grow; then the medians of the first and the last fifth count."""
    values = [1.0] * 10 + [10.0] * 10 + [11.0] * 10
    assert Change(10.0, 11.0) == Change.of(values)
    assert [] == _growing(_samples(Held(10.1, 20, 3)))


def test_what_grows_is_named_if_it_is_ours() -> None:
    """Memory by more than 2 %, one descriptor, one thread, one series: each is a line, and servers have none."""
    lines = _growing(_samples(Held(10.3, 21, 4), 101))
    assert [
        "worker1: memory grew by 3.0%, from 10.00 to 10.30 MB",
        "worker1: descriptors grew from 20 to 21",
        "worker1: threads grew from 3 to 4",
        "series grew from 100 to 101",
    ] == lines


def test_every_outcome_of_the_mix_is_one_of_the_ledger() -> None:
    """A renamed outcome would silently be left out."""
    assert WEIGHTS.keys() == {outcome.name for outcome, _ in MIX}


def test_a_short_soak_balances(tmp_path: Path) -> None:
    """After 20 s at full rate every count and span is as planned; memory has not had the time to come to rest."""
    soaked = soak(20.0, tmp_path, progress=lambda _: None)
    assert [] == soaked.unequal
    assert soaked.attempts > 100
    assert {"publisher", "worker1", "worker1, child 1", "worker2, child 2", "collector"} <= soaked.samples.held.keys()
    assert soaked.samples.series[-1] > 100
    assert table(soaked).count("\n") == len(soaked.samples.held) + 1
