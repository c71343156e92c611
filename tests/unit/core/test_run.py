"""The record of a run says what is known, and is not believed when it comes back through a socket."""

import json
import math
import os
from typing import Any

import pytest

from celery_otel.core.run import RunRecord

WHOLE = RunRecord("0f" * 16, "tuning", "grid", 4711, 1000.5, 2.5, "success", 100, 8, 3, -0.25)


def test_a_record_survives_the_wire() -> None:
    """What is sent of a record is read as that record."""
    assert WHOLE == RunRecord.read(json.loads(json.dumps(WHOLE.told())))


def test_a_run_that_begins_is_of_this_process() -> None:
    """It has an id of its own, this process, and has not ended."""
    first, second = (RunRecord.begun("training", "forest", 1000.0, samples=10) for _ in range(2))
    assert first.id != second.id
    assert (os.getpid(), 10, None, None) == (first.pid, first.samples, first.seconds, first.result)
    assert first == RunRecord.read(first.told())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "0F" * 16),
        ("id", "0f"),
        ("id", 7),
        ("kind", "serving"),
        ("kind", ["training"]),
        ("label", None),
        ("pid", 0),
        ("pid", True),
        ("pid", 1.0),
        ("began", math.nan),
        ("began", -1),
        ("began", "now"),
        ("began", 10**400),
        ("seconds", -0.1),
        ("seconds", math.inf),
        ("seconds", None),
        ("result", None),
        ("result", "timeout"),
        ("samples", -1),
        ("samples", 1.5),
        ("samples", 2**60),
        ("features", "8"),
        ("iterations", False),
        ("best_score", math.nan),
        ("best_score", -math.inf),
        ("best_score", 10**400),
        ("best_score", "0.9"),
    ],
)
def test_what_no_run_can_say_is_refused(field: str, value: Any) -> None:
    """A field that holds something else makes the whole record garbage, and so does half an end."""
    with pytest.raises(ValueError, match="run"):
        RunRecord.read({**WHOLE.told(), field: value})


@pytest.mark.parametrize("told", [None, [], "run", {}, {**WHOLE.told(), "more": 1}, {"id": WHOLE.id}])
def test_what_is_no_record_is_refused(told: Any) -> None:
    """Anything else than exactly the fields of a record is garbage."""
    with pytest.raises(ValueError, match="no record"):
        RunRecord.read(told)
