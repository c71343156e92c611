"""A record arrives as it was sent, or says what was cut."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from celery_otel.relay_record import BYTES, LONG_TEXT, GarbageError, Record, decode, encode, fitted

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
LIMIT = 40_000


def sized(size: int) -> st.SearchStrategy[str]:
    """Texts up to so many characters, some of them of four bytes each."""
    return st.builds(lambda letter, number: letter * number, st.sampled_from("a\N{SNAKE}\"'"), st.integers(0, size))


ATTRIBUTES = st.dictionaries(st.text(max_size=5), sized(9_000) | st.lists(sized(500), max_size=200), max_size=40)
EVENTS = st.lists(st.fixed_dictionaries({"name": st.just("e"), "attributes": ATTRIBUTES}), max_size=10)
LINKS = st.lists(st.fixed_dictionaries({"traceparent": st.just("00"), "attributes": ATTRIBUTES}), max_size=5)
RECORDS = st.fixed_dictionaries(
    {"span": st.just("5" * 16)}, optional={"name": sized(90_000), "attributes": ATTRIBUTES, "events": EVENTS}
) | st.fixed_dictionaries({"span": st.just("5" * 16), "links": LINKS})


@hypothesis_settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES), st.dictionaries(st.text(), st.integers(0, 2**31), max_size=3))
def test_what_goes_in_comes_out(record: Record, notes: dict[str, int]) -> None:
    """Whatever attributes may hold survives, bytes and nested mappings included, beside the notes."""
    assert (record, notes) == decode(encode(record, notes))


def test_what_has_no_finite_number_survives() -> None:
    """NaN and the infinities come out as what they are."""
    record, _ = decode(encode({"values": [math.nan, math.inf, -math.inf]}, {}))
    assert record is not None
    assert math.isnan(record["values"][0])
    assert [math.inf, -math.inf] == record["values"][1:]


def test_what_is_no_text_to_others_is_replaced() -> None:
    """A lone surrogate, which no exporter could encode, becomes a question mark."""
    assert ({"name": "a?b"}, {}) == decode(encode({"name": "a\ud800b"}, {}))


@hypothesis_settings(deadline=None)
@given(st.binary() | st.sampled_from([b"[1,2]", b"[{}]x", b'[{},{"a":1.5}]', b"{}", b"[" * 9_999, b"[null,[]]", b"3"]))
def test_garbage_is_called_garbage(datagram: bytes) -> None:
    """Whatever bytes come, they are a record and notes, or garbage: nothing else is raised."""
    try:
        record, notes = decode(datagram)
    except GarbageError:
        return
    assert isinstance(record, dict | None)
    assert {int} >= {type(number) for number in notes.values()}


@pytest.mark.parametrize("content", ['"!"', "1", '"aaa"', "null"])
def test_broken_bytes_are_garbage(content: str) -> None:
    """What stands for bytes and is none makes the datagram garbage."""
    with pytest.raises(GarbageError):
        decode(f'[{{"a":{{"{BYTES}":{content}}}}}]'.encode())


@hypothesis_settings(deadline=None)
@given(RECORDS)
def test_a_record_is_made_to_fit(record: Record) -> None:
    """Whatever its size, it fits afterwards, has its span, and says how much is missing of what."""
    cut = fitted(record, LIMIT)
    assert len(encode(cut, {})) <= LIMIT
    assert record["span"] == cut["span"]
    for key in ("attributes", "events", "links"):
        assert len(record.get(key, ())) == len(cut.get(key, ())) + cut.get("cut", {}).get(key, 0)
    if "cut" not in cut:
        assert record == cut


def test_what_fits_stays_as_it_is() -> None:
    """Nothing is cut off a record that needs exactly the room there is."""
    record = {"span": "5" * 16, "attributes": {"a": "x" * 20_000}}
    assert record == fitted(record, len(encode(record, {})))


def of_size(**sizes: int) -> Record:
    """A record with short attributes and events, and a long value where a size is given."""
    attributes: dict[str, Any] = {f"a{number}": number for number in range(10)}
    events = [{"name": f"e{number}", "attributes": {"a": number}} for number in range(10)]
    if "event" in sizes:
        events[0]["attributes"] = {"long": "x" * sizes["event"]}
    if "attribute" in sizes:
        attributes["long"] = "x" * sizes["attribute"]
    return {"span": "5" * 16, "attributes": attributes, "events": events}


def test_long_values_are_shortened_before_anything_is_dropped() -> None:
    """One long value in an event or attribute costs its middle, and no event or attribute."""
    assert {"values": 1} == fitted(of_size(event=90_000), LIMIT)["cut"]
    assert {"values": 2} == fitted(of_size(event=90_000, attribute=90_000), LIMIT)["cut"]
    cut = fitted(of_size(event=90_000, attribute=30_000), LIMIT)
    assert "x" * 30_000 == cut["attributes"]["long"]
    assert "characters cut" in cut["events"][0]["attributes"]["long"]


def test_the_oldest_go_first_and_events_before_attributes() -> None:
    """When short values are too many, the oldest events go; only when none is left, the oldest attributes."""
    record = of_size()
    record["events"] = [{"name": f"e{number}", "attributes": {"a": "x" * LONG_TEXT}} for number in range(20)]
    cut = fitted(record, LIMIT)
    assert "e19" == cut["events"][-1]["name"]
    assert {"events": 20 - len(cut["events"])} == cut["cut"]
    record["attributes"] = {f"a{number}": "x" * LONG_TEXT for number in range(20)}
    cut = fitted(record, LIMIT)
    assert {"events": 20, "attributes": 20 - len(cut["attributes"])} == cut["cut"]
    assert "a19" in cut["attributes"]


def test_what_cannot_be_cut_is_refused() -> None:
    """Without anything that may be dropped, a record that is too large is an error, for the caller to count."""
    with pytest.raises(ValueError, match="too large"):
        fitted({"span": "5" * 16, "keys": {f"{number:0>500}": 1 for number in range(200)}}, LIMIT)


@pytest.mark.parametrize(
    "datagram",
    [
        b'[null,{"dropped":-1}]',
        b'[null,{"dropped":99999999999999999999}]',
        b'[null,{"dropped":true}]',
        b'[{"span":"5","attributes":["a"]}]',
        b'[{"span":"5","events":{}}]',
        b'[{"span":"5","links":[1]}]',
        b'[{"span":"5","cut":{"values":"many"}}]',
        b'[{"span":"5","dropped":{"links":-7}}]',
    ],
)
def test_what_no_child_sends_is_garbage(datagram: bytes) -> None:
    """No number falls, or grows beyond what can be exported, and records can be put together."""
    with pytest.raises(GarbageError):
        decode(datagram)
