"""When a message was published is read from its headers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel.stamps import PUBLISHED_AT
from celery_otel_api.published_at import published_at
from celery_otel_api.redis_unacked import Unacked, read_unacked, route

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["headers", PUBLISHED_AT]), inner),
    max_leaves=10,
)


def test_the_stamp_is_a_unix_time() -> None:
    """It is text in the message, as publishers write it."""
    message = json.dumps({"body": "", "headers": {PUBLISHED_AT: "1700000000.250000"}}).encode()
    assert 1700000000.25 == published_at(message)


BROKEN = [None, b"", b"\xff", "no JSON", '{"headers": null}', '{"headers": {"id": "1"}}']
DEEP = "[" * 200_000
HUGE = [json.dumps({"headers": {PUBLISHED_AT: at}}) for at in (10**400, str(10**400))]


@pytest.mark.parametrize("message", [*BROKEN, DEEP, *HUGE])
def test_a_message_without_a_stamp_does_not_say(message: bytes | str | None) -> None:
    """Whatever lies in the list, it is no error."""
    assert published_at(message) is None


@given(ANY_JSON)
def test_no_message_breaks_the_reading(content: object) -> None:
    """Anything that is JSON gives a finite time or none."""
    found = published_at(json.dumps(content))
    assert found is None or abs(found) < float("inf")


def test_the_way_of_a_message_is_behind_it() -> None:
    """Kombu keeps message, exchange and routing key; a missing one is empty."""
    assert ("topic", "order.new") == route('[{"body": ""}, "topic", "order.new"]')
    assert ("", "celery") == route(b'[{"body": ""}, null, "celery"]')


class Hash:
    """A Redis that keeps one entry in its hash."""

    def __init__(self, entry: str) -> None:
        self._entry = entry

    def hlen(self, _: str) -> int:
        """How many entries there are."""
        return 1

    def hscan(self, _: str, cursor: int, count: int) -> tuple[int, dict[str, str]]:  # noqa: ARG002  # redis' own
        """All of them."""
        return 0, {"tag": self._entry}


@pytest.mark.parametrize("entry", [DEEP, "no JSON", "[]", '[{}, "\\ud800", "celery"]', '[{}, "", "\\ud800"]'])
def test_an_entry_that_is_not_kombus_has_a_reason(entry: str) -> None:
    """Nothing is known then, and that is no error."""
    routes, reason = read_unacked(Hash(entry), "unacked")
    assert {} == routes
    assert "not kombu's" in reason


def test_a_queue_of_which_nothing_is_out_has_0_out() -> None:
    """Unless it is not known, which has a reason."""
    reasons: dict[str, str] = {}
    unacked = Unacked({"a": 2}, frozenset({"b"}))
    assert [2, None, 0] == [unacked.of(name, reasons) for name in "abc"]
    assert "several queues" in reasons["unacknowledged"]
    assert Unacked({}, reason="Too many.").of("a", reasons) is None
    assert {"unacknowledged": "Too many."} == reasons
