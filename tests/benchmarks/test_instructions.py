"""The arithmetic of counted instructions; a run takes Valgrind, and minutes."""

from pathlib import Path

import pytest

from celery_otel_pipeline.process import ProcessDiedError
from tests.benchmarks.instructions.counting import Instructions
from tests.benchmarks.instructions.report import table
from tests.benchmarks.variants import BARE, VARIANTS

(OURS,) = [variant for variant in VARIANTS if variant.key == "metrics"]


def _write(directory: Path, pid: int, count: int) -> None:
    (directory / f"counted.{pid}").write_text(f"desc: I1 cache\nevents: Ir\nfl=a.c\n1 {count}\nsummary: {count}\n")


def test_each_process_is_read_from_its_own_file(tmp_path: Path) -> None:
    """MAIN is told from its children by its process id."""
    for pid, count in ((17, 5), (23, 1000), (42, 7)):
        _write(tmp_path, pid, count)
    assert Instructions(1000, 12) == Instructions.read(tmp_path, 23)


def test_a_main_without_a_file_is_an_error(tmp_path: Path) -> None:
    """A worker that was killed is not counted as one that did nothing."""
    _write(tmp_path, 17, 5)
    with pytest.raises(ProcessDiedError, match="nothing of MAIN, process 23"):
        Instructions.read(tmp_path, 23)


def test_the_table_compares_with_the_first_row() -> None:
    """MAIN alone, and the whole worker: the median of the rounds, with the least and the most."""
    bare = [Instructions(3_000_000, 1_000_000), Instructions(3_000_000, 1_000_000)]
    ours = [Instructions(3_060_000, 1_000_000), Instructions(3_120_000, 1_000_000)]
    *_, first, second = table([(BARE, bare), (OURS, ours)]).splitlines()
    assert "| bare Celery | 3 000 000 | 1 000 000 | 1 | 1 |" == first
    assert second.endswith("| 3 090 000 | 1 000 000 | 1.030 (1.020 to 1.040) | 1.022 (1.015 to 1.030) |")
