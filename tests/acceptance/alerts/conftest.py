"""How a fault test tells how long its alerts took."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.alerts.table import PROPERTY, Row

Lists = Callable[[list[Row]], None]


@pytest.fixture
def lists(record_property: Callable[[str, object], None]) -> Lists:
    """Puts rows on the list at the end of the run, and into the folder ALERT_RESULTS, if there is that variable."""

    def listed(rows: list[Row]) -> None:
        for row in rows:
            record_property(PROPERTY, row)
            _keep(row)

    return listed


def _keep(row: Row) -> None:
    folder = os.environ.get("ALERT_RESULTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with (Path(folder) / f"{row['alert']}.jsonl").open("a", encoding="utf-8") as results:
            results.write(json.dumps(row) + "\n")
