"""How a record of a child travels: as JSON in one datagram, and cut down when it is too large for one.

A datagram holds a list: the record or null, and the notes, which are what a process counted and MAIN shall know. JSON
and not pickle, since whoever writes into the socket must not be able to run code in MAIN.
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from celery_otel.untrusted import MOST

Record = dict[str, Any]
"""What a task said about itself. Only the keys `attributes`, `events` and `links` mean something here."""
Notes = Mapping[str, int]
"""Numbers by what they count."""

BYTES = "celery_otel.base64"
"""The key of the object that stands for bytes, which JSON does not have."""
ASIDE = "aside"
"""The key that MAIN gives to what came beside a run: the task says more of its span when it ends."""
LONG_TEXT = 4_000
"""Characters (or bytes) that are left of a long value when a record has to be cut."""
LONG_LIST = 100
"""Items that are left of a long list then."""


class GarbageError(ValueError):
    """A datagram is not one of ours, or not whole."""


def encode(record: Record | None, notes: Notes) -> bytes:
    """The datagram of a record and notes.

    Raises:
        ValueError, TypeError, RecursionError: The record holds something that is no JSON.
    """
    content: list[Any] = [record, notes] if notes else [record]
    # A lone surrogate is no UTF-8: an exporter would refuse it later, and all that it sends with it.
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_bytes).encode("utf-8", "replace")


def decode(datagram: bytes) -> tuple[Record | None, Notes]:
    """The record and the notes of a datagram.

    Raises:
        GarbageError: It is not one of ours, or not whole.
    """
    try:
        text = datagram.decode("utf-8")
        content = json.loads(text, object_hook=_restored) if BYTES in text else json.loads(text)
        record, notes = content if len(content) == 2 else (*content, {})  # noqa: PLR2004  # with notes or without
    except (ValueError, TypeError, RecursionError) as error:
        raise GarbageError(str(error)) from None
    if not _is_record(record) or not _are_notes(notes):
        raise GarbageError("neither a record nor notes")
    return record, notes


def _is_record(record: Any) -> bool:
    """Whether its parts are of the kinds that records are put together by; what is in them, who encodes them checks."""
    if record is None:
        return True
    return isinstance(record, dict) and all(check(record[key]) for key, check in _CHECKS.items() if key in record)


def _are_notes(notes: Any) -> bool:
    # Bounded: a counter neither falls nor grows beyond what an exporter can write.
    return isinstance(notes, dict) and all(type(number) is int and 0 <= number <= MOST for number in notes.values())


def _are_items(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _are_pairs(value: Any) -> bool:
    return isinstance(value, dict)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "attributes": _are_pairs,
    "events": _are_items,
    "links": _are_items,
    "dropped": _are_notes,
    "cut": _are_notes,
}


def _bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {BYTES: b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} is no JSON")


def _restored(value: dict[str, Any]) -> Any:
    if value.keys() != {BYTES}:
        return value
    try:
        return b64decode(value[BYTES], validate=True)
    except (binascii.Error, TypeError) as error:
        raise GarbageError(str(error)) from None


def fitted(record: Record, limit: int) -> Record:
    """A record that needs no more than so many bytes.

    What is mildest comes first: long values are shortened, those of events before others; then the oldest events go,
    the oldest attributes, the oldest links. The key `cut` says how much of each.

    Args:
        record: The record, which stays as it is.
        limit: Bytes.

    Raises:
        ValueError: There is nothing left to cut.
    """
    for cut in _CUTS:
        excess = len(encode(record, {})) - limit
        if excess <= 0:
            return record
        record = cut(record, excess)
    if len(encode(record, {})) > limit:
        raise ValueError("a record is too large, whatever is cut")
    return record


def _shorten_events(record: Record, _: int) -> Record:
    return _with_cut(record, "values", *_shortened({"events": record.get("events")}))


def _shorten_values(record: Record, _: int) -> Record:
    rest = {key: value for key, value in record.items() if key not in ("events", "cut")}
    return _with_cut(record, "values", *_shortened(rest))


def _drop(key: str) -> Callable[[Record, int], Record]:
    def drop(record: Record, excess: int) -> Record:
        kept = record.get(key, ())
        items = list(kept.items() if isinstance(kept, dict) else kept)
        number = _to_drop(items, excess)
        left: Any = items[number:]
        return _with_cut(record, key, {key: dict(left) if isinstance(kept, dict) else left}, number)

    return drop


def _to_drop(items: list[Any], excess: int) -> int:
    # Some more than the excess: what says how much was cut needs room too.
    excess += 100
    for number, item in enumerate(items):
        if excess <= 0:
            return number
        excess -= len(encode({"item": item}, {})) - len('[{"item":}]')
    return len(items)


def _with_cut(record: Record, what: str, changes: Record, number: int) -> Record:
    if not number:
        return record
    cut = record.get("cut", {})
    return {**record, **changes, "cut": {**cut, what: cut.get(what, 0) + number}}


def _shortened(value: Any) -> tuple[Any, int]:
    """A value without what is too long in it, and how many values of it were shortened."""
    if isinstance(value, str | bytes):
        return (value, 0) if len(value) <= LONG_TEXT else (_ends(value), 1)
    if isinstance(value, dict):
        pairs = {key: _shortened(item) for key, item in value.items()}
        return {key: item for key, (item, _) in pairs.items()}, sum(number for _, number in pairs.values())
    if not isinstance(value, list | tuple):
        return value, 0
    # Events and links are lists of objects: they are dropped, never shortened.
    long = len(value) > LONG_LIST and not isinstance(value[0], dict)
    items = [_shortened(item) for item in (value[:LONG_LIST] if long else value)]
    return [item for item, _ in items], sum(number for _, number in items) + long


def _ends(value: str | bytes) -> str | bytes:
    """Beginning and end of a text: a stack trace says the most there."""
    if isinstance(value, bytes):
        return value[:LONG_TEXT]
    half = LONG_TEXT // 2
    return f"{value[:half]}[... {len(value) - 2 * half} characters cut ...]{value[-half:]}"


_CUTS: tuple[Callable[[Record, int], Record], ...] = (
    _shorten_events,
    _shorten_values,
    _drop("events"),
    _drop("attributes"),
    _drop("links"),
)
