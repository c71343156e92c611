"""The wire format of protobuf, for what every span has: ids, times, and attributes that are texts and numbers.

Protobuf's own library needs an object for each of a span's attributes and for the value of each, six times as long as
it takes to write the bytes; it writes all that is rare. Sources: https://protobuf.dev/programming-guides/encoding/, and
the numbers of the fields in opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

_DOUBLE = Struct("<d").pack
_DOUBLE_SIZE = 8
_HEAD = Struct("<2s16s2s8s2s8scQcQ2sI").pack
_ROOT = Struct("<2s16s2s8scQcQ2sI").pack
_SIGNS = 2**64 - 1
"""An `int64` is written as if it had no sign."""
_ONE_BYTE = 0x80
"""Numbers below are written in one byte."""

Ids = tuple[int, int, int]


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


def span_head(identity: Ids, start: int, end: int, flags: int) -> bytes:
    """What every span has: the fields for its ids, its times and its flags.

    Args:
        identity: Ids of trace and span, and of the parent, which is 0 where there is none.
        start: When it began, in nanoseconds of Unix time.
        end: When it ended, likewise.
        flags: Those of the W3C, and whether the parent is in another process.
    """
    trace_id, span_id, parent_id = identity
    ids = b"\x0a\x10", trace_id.to_bytes(16), b"\x12\x08", span_id.to_bytes(8)
    moments = b"\x39", start, b"\x41", end, b"\x85\x01", flags
    if parent_id:
        return _HEAD(*ids, b"\x22\x08", parent_id.to_bytes(8), *moments)
    return _ROOT(*ids, *moments)


def _text(key: str, value: str) -> bytes:
    # Half a surrogate pair, which protobuf does not take, becomes a question mark.
    text = value.encode("utf-8", "replace")
    return _before_text(key, len(text)) + text


# The keys are ours, but for those that a task sets.
@lru_cache(maxsize=512)
def _before_text(key: str, length: int) -> bytes:
    """All of an attribute but its text, which is so many bytes long and comes at its end."""
    return _pair(key, b"\x0a" + varint(length), length)


def _integer(key: str, value: int) -> bytes:
    """An integer that has more bits than OTLP's must not cost the span: it becomes a text."""
    if -(2**63) <= value < 2**63:
        return _pair(key, b"\x18" + varint(value & _SIGNS))
    return _text(key, str(value))


def _boolean(key: str, value: bool) -> bytes:  # noqa: FBT001  # the value itself
    return _pair(key, b"\x10\x01" if value else b"\x10\x00")


def _number(key: str, value: float) -> bytes:
    return _before_number(key) + _DOUBLE(value)


@lru_cache(maxsize=128)
def _before_number(key: str) -> bytes:
    return _pair(key, b"\x21", _DOUBLE_SIZE)


def _pair(key: str, content: bytes, follow: int = 0) -> bytes:
    """The field `attributes` of a `Span` with one pair, of whose value so many bytes follow."""
    text = key.encode("utf-8", "replace")
    before = b"\x0a" + varint(len(text)) + text + b"\x12" + varint(len(content) + follow) + content
    return b"\x4a" + varint(len(before) + follow) + before


WRITERS: Mapping[type, Callable[[str, Any], bytes]] = {str: _text, bool: _boolean, int: _integer, float: _number}
"""How the field `attributes` of a `Span` is written with one pair of a key and a value, by the value's type."""
