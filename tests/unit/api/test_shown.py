"""Every result can be answered: as it is, or described."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from celery_otel_api.shown import LARGEST, shown

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
anything = st.recursive(
    st.none()
    | st.floats()
    | st.binary()
    | st.text(st.characters())
    | st.complex_numbers()
    | st.datetimes()
    | st.decimals()
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(st.integers() | st.binary(), max_size=3)
        | st.dictionaries(st.integers() | st.binary() | st.text(st.characters()), inner, max_size=4)
    ),
    max_leaves=12,
)


class Wordless:
    """Has no representation."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@given(plain)
def test_json_is_shown_as_it_is(value: Any) -> None:
    """What JSON has words for is shown unchanged."""
    assert value == shown(value)


@given(anything)
def test_anything_can_be_answered(value: Any) -> None:
    """Whatever a task returns, the answer is valid JSON in UTF-8."""
    body = JSONResponse(shown(value)).body
    json.loads(bytes(body).decode())


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"deep": float("-inf")}])
def test_numbers_that_are_not_finite_are_described(value: object) -> None:
    """JSON has no NaN and no infinity: a result with one is described by its representation."""
    assert {"described": repr(value), "type": type(value).__name__} == shown(value)


def test_what_has_no_representation_is_described_all_the_same() -> None:
    """An object whose class fails to represent it is still described."""
    assert {"described": "it has no representation: RuntimeError", "type": "Wordless"} == shown(Wordless())


def test_a_result_that_contains_itself_is_described() -> None:
    """A list that contains itself has no JSON."""
    value: list[object] = []
    value.append(value)
    assert {"described": "[[...]]", "type": "list"} == shown(value)


def test_a_result_that_is_too_large_is_described() -> None:
    """A result of more than a million characters is not sent."""
    assert {"described": f"too large to be shown: {LARGEST + 2} characters of JSON", "type": "str"} == shown(
        "x" * LARGEST
    )


def test_times_and_the_like_are_shown_as_celery_stores_them() -> None:
    """Dates, UUIDs and decimals are texts in JSON."""
    found = shown([datetime(2026, 1, 2, 10, 30, tzinfo=UTC), UUID(int=7), Decimal("1.10")])
    assert ["2026-01-02T10:30:00+00:00", "00000000-0000-0000-0000-000000000007", "1.10"] == found
