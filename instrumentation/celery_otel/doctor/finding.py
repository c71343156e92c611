"""What a check says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    SKIPPED = "skipped"
    """It was not looked at; the advice says how it can be."""
    WARNING = "warning"
    """Numbers may mislead, or work may be lost or done twice in certain cases."""
    PROBLEM = "problem"
    """Something does not work, or numbers are wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        level: How bad it is.
        what: What was looked at, in a few words.
        found: What was found there.
        advice: What to do about it; empty if there is nothing to do.
    """

    level: Level
    what: str
    found: str
    advice: str = ""


def ok(what: str, found: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, what, found)


def skipped(what: str, found: str, advice: str) -> Finding:
    """Nobody looked."""
    return Finding(Level.SKIPPED, what, found, advice)


def warning(what: str, found: str, advice: str) -> Finding:
    """It may surprise."""
    return Finding(Level.WARNING, what, found, advice)


def problem(what: str, found: str, advice: str) -> Finding:
    """It is wrong."""
    return Finding(Level.PROBLEM, what, found, advice)


def number_of(number: int | None, noun: str) -> str:
    """So many of something: `1 message`, `2 messages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in one line: `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
