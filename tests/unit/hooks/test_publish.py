"""The time of publishing travels in the message."""

import pytest

from celery_otel.hooks.publish import HEADER, published_at, stamper


def test_the_stamp_is_always_overwritten() -> None:
    """A retry's message starts with the stamp of the one before it, and gets its own."""
    headers = {HEADER: "1.000000"}
    stamper(lambda: 1700000000.25)(headers=headers)
    assert "1700000000.250000" == headers[HEADER]


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (1700000000.25, {HEADER: "1700000000.250000"}),
        (None, {}),
        (None, {HEADER: "yesterday"}),
        (None, {HEADER: "inf"}),
        (None, {HEADER: None}),
        (None, {HEADER: ["1"]}),
    ],
)
def test_nonsense_is_no_time(expected: float | None, headers: dict[str, object]) -> None:
    """A message without a stamp, or with a nonsensical one, has no publish time."""
    assert expected == published_at(headers)
