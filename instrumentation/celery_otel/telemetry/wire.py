"""The wire format of protobuf, for what every span has: ids, times, and attributes that are texts and numbers.

Protobuf's own library needs an object for each of a span's attributes and for the value of each, six times as long as
it takes to write the bytes; it writes all that is rare. Sources: https://protobuf.dev/programming-guides/encoding/, and
the numbers of the fields in opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from typing import Any

_ONE_BYTE = 0x80
"""Numbers below are written in one byte."""
_DOUBLE = Struct("<cd").pack
_IDS = Struct("<2s16s2s8s").pack
_PARENT = Struct("<2s8s").pack
_MOMENTS = Struct("<cQcQ2sI").pack
_SIGNS = 2**64 - 1
"""An `int64` is written as if it had no sign."""


@lru_cache(maxsize=4096)
def varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits a byte, the lowest first."""
    parts = bytearray()
    while number >= _ONE_BYTE:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def repeated(field: int, messages: Iterable[bytes]) -> bytes:
    """A repeated field of messages: for each its tag, its length and itself."""
    tag = bytes([field << 3 | 2])
    return b"".join(part for message in messages for part in (tag, varint(len(message)), message))


def span_ids(trace_id: int, span_id: int, parent_id: int) -> bytes:
    """The fields `trace_id`, `span_id` and, unless it is 0, `parent_span_id` of a `Span`."""
    ids = _IDS(b"\x0a\x10", trace_id.to_bytes(16), b"\x12\x08", span_id.to_bytes(8))
    return ids + _PARENT(b"\x22\x08", parent_id.to_bytes(8)) if parent_id else ids


def span_moments(start: int, end: int, flags: int) -> bytes:
    """The fields `start_time_unix_nano`, `end_time_unix_nano` and `flags` of a `Span`; times in nanoseconds."""
    return _MOMENTS(b"\x39", start, b"\x41", end, b"\x85\x01", flags)


def attribute(key: str, value: Any) -> bytes | None:
    """The field `attributes` of a `Span` with one pair; None if its value is neither a text nor a number."""
    write = _WRITERS.get(type(value))
    if write is None:
        return None
    head, content = _head(key), write(value)
    length = len(content)
    size = len(head) + 1 + length
    if size < _ONE_BYTE:
        return b"\x4a%c%b%c%b" % (size, head, length, content)
    pair = head + varint(length) + content
    return b"\x4a" + varint(len(pair)) + pair


@lru_cache(maxsize=1024)
def _head(key: str) -> bytes:
    """The key of a `KeyValue`, and the tag of its value."""
    text = key.encode("utf-8", "replace")
    return b"\x0a" + varint(len(text)) + text + b"\x12"


def _text(value: str) -> bytes:
    # Half a surrogate pair, which protobuf does not take, becomes a question mark.
    text = value.encode("utf-8", "replace")
    return b"\x0a" + varint(len(text)) + text


def _boolean(value: bool) -> bytes:  # noqa: FBT001  # the value itself
    return b"\x10\x01" if value else b"\x10\x00"


def _integer(value: int) -> bytes:
    """An integer that has more bits than OTLP's must not cost the span: it becomes a text."""
    if -(2**63) <= value < 2**63:
        return b"\x18" + varint(value & _SIGNS)
    return _text(str(value))


def _number(value: float) -> bytes:
    return _DOUBLE(b"\x21", value)


_WRITERS: dict[type, Callable[[Any], bytes]] = {str: _text, bool: _boolean, int: _integer, float: _number}
