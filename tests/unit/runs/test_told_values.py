"""Whatever users tell becomes an attribute that every backend can show, or a figure."""

import math
from typing import Any

import numpy as np
import pytest

from celery_otel.told_values import finite, plain, unfolded, whole


class Model:
    """Something with a text."""

    def __str__(self) -> str:
        return "a model"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (1, 1),
        (True, True),
        (0.5, 0.5),
        ("a", "a"),
        ("None", None),
        (3, np.int64(3)),
        (True, np.bool_(True)),  # noqa: FBT003  # numpy's own
        (0.5, np.float64(0.5)),
        (2, np.array([2])),
        ("[1 2]", np.array([1, 2])),
        ("nan", math.nan),
        ("inf", math.inf),
        (str(2**70), 2**70),
        ([1, 2], (1, 2)),
        (["a", "b"], ["a", "b"]),
        ("[1, 'a']", [1, "a"]),
        ("[]", []),
        pytest.param("a model", Model(), id="model"),
        ("\\udc80", "\udc80"),
        pytest.param("x" * 1024, "x" * 2000, id="long"),
    ],
    ids=repr,
)
def test_a_value_as_an_attribute(expected: Any, value: Any) -> None:
    """Numbers and lists of one kind stay, all else is its text; the type is Python's own."""
    found = plain(value)
    assert (expected, type(expected)) == (found, type(found))


def test_a_long_list_is_told_as_text() -> None:
    """It is cut as a text is."""
    found = plain(list(range(1000)))
    assert isinstance(found, str)
    assert 1024 == len(found)


def test_a_mapping_is_unfolded() -> None:
    """Each key is an attribute, three levels deep, and there are not too many."""
    deep = {"a": 1, "b": {"c": {"d": {"e": 1}}}, 5: "x"}
    assert {"p.a": 1, "p.b.c.d": "{'e': 1}", "p.5": "x"} == unfolded("p", deep)
    assert 64 == len(unfolded("p", {f"{number}": {"a": 1, "b": 2} for number in range(1000)}))


@pytest.mark.parametrize(
    ("expected", "value"),
    [(3, 3), (3, 3.9), (3, np.int64(3)), (None, -1), (None, "many"), (None, math.nan), (None, math.inf), (None, 2**60)],
)
def test_a_count(expected: int | None, value: Any) -> None:
    """A whole number from 0, or none."""
    assert expected == whole(value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [(3.0, 3), (0.5, np.float32(0.5)), (None, math.nan), (None, -math.inf), (None, "good"), (None, None), (None, [1])],
)
def test_a_score(expected: float | None, value: Any) -> None:
    """A finite number, or none."""
    assert expected == finite(value)
