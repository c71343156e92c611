"""Turns the text of an environment variable into a value; ValueError for a text that cannot be used."""

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")

_BOOLEANS = {"true": True, "false": False}
_HIGHEST_PORT = 65535


def text(value: str) -> str:
    """A text without blanks in it."""
    if len(value.split()) != 1:
        raise ValueError(value)
    return value


def boolean(value: str) -> bool:
    """Either `true` or `false`, in any case, as the OpenTelemetry specification has it."""
    if value.lower() not in _BOOLEANS:
        raise ValueError(value)
    return _BOOLEANS[value.lower()]


def positive(value: str) -> float:
    """A finite number above 0."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(value)
    return number


def milliseconds(value: str) -> float:
    """A positive number of milliseconds, in seconds."""
    return positive(value) / 1000


def count(value: str) -> int:
    """A whole number above 0."""
    number = int(value)
    if number <= 0:
        raise ValueError(value)
    return number


def whole(value: str) -> int:
    """A whole number, 0 or above."""
    number = int(value)
    if number < 0:
        raise ValueError(value)
    return number


def ratio(value: str) -> float:
    """A number from 0 to 1."""
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(value)
    return number


def port(value: str) -> int:
    """A TCP port."""
    number = count(value)
    if number > _HIGHEST_PORT:
        raise ValueError(value)
    return number


def url(value: str) -> str:
    """An http or https URL with a host and, if any, a usable port."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(value)
    return value


def directory(value: str) -> str:
    """The absolute path of a directory, or of nothing yet. A relative one would depend on where a worker is started."""
    path = Path(value)
    if not path.is_absolute() or _is_something_else(path):
        raise ValueError(value)
    return value


def _is_something_else(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        # What may not be looked at is said when it is used.
        return False


def items(value: str) -> tuple[str, ...]:
    """A list separated by commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def pairs(value: str) -> Mapping[str, str]:
    """A list of `key=value`, the values percent-encoded, as the OpenTelemetry specification has it."""
    found = {}
    for item in items(value):
        key, separator, content = item.partition("=")
        if not separator or not key.strip():
            raise ValueError(item)
        found[key.strip()] = unquote(content.strip())
    return found


def bounds(value: str) -> tuple[float, ...]:
    """Ascending positive numbers."""
    numbers = tuple(positive(item) for item in items(value))
    if not numbers or list(numbers) != sorted(set(numbers)):
        raise ValueError(value)
    return numbers


def choice(valid: Collection[str]) -> Callable[[str], str]:
    """A parser for one of `valid`."""

    def parse(value: str) -> str:
        if value not in valid:
            raise ValueError(value)
        return value

    return parse


def choices(valid: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser for a list of `valid` ones; `none` stands alone and makes the list empty."""

    def parse(value: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(items(value)))
        if not chosen or not set(chosen) <= set(valid) or ("none" in chosen and len(chosen) > 1):
            raise ValueError(value)
        return () if chosen == ("none",) else chosen

    return parse


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """A parser that also takes an empty text, as None."""
    return lambda value: parse(value) if value else None
