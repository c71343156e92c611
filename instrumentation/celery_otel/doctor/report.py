"""The findings as text for people."""

import textwrap
from collections.abc import Sequence

import click

from celery_otel.doctor.finding import Finding, Level
from celery_otel.terminal.table import printable

_COLORS = {Level.OK: "green", Level.SKIPPED: "cyan", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_MARK = max(len(level) for level in Level)
_INDENT = " " * (_MARK + 2)
_NARROWEST = 40
_UNLIMITED = 10_000


def report(findings: Sequence[Finding], width: int | None) -> str:
    """All findings and how many there are of each kind.

    Args:
        findings: What was found.
        width: Columns of the terminal; None if nothing is to be folded.
    """
    room = _UNLIMITED if width is None else max(width, _NARROWEST)
    return "\n".join([*(_shown(finding, room) for finding in findings), "", _counted(summary(findings))])


def summary(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each level."""
    return {str(level): sum(finding.level is level for finding in findings) for level in Level}


def _shown(finding: Finding, room: int) -> str:
    mark = click.style(f"{finding.level:<{_MARK}}", fg=_COLORS[finding.level])
    found = _folded(f"{finding.what}: {finding.found}", room, _INDENT)
    advice = _folded(f"-> {finding.advice}", room, _INDENT + "   ") if finding.advice else []
    return "\n".join([f"{mark}  {found[0]}", *(_INDENT + line for line in (*found[1:], *advice))])


def _folded(text: str, room: int, hanging: str) -> list[str]:
    lines = textwrap.wrap(
        printable(text),
        room - len(_INDENT),
        subsequent_indent=hanging[len(_INDENT) :],
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [""]


def _counted(counts: dict[str, int]) -> str:
    plural = {"problem": "problems", "warning": "warnings"}
    said = [f"{number} {level if number == 1 else plural.get(level, level)}" for level, number in counts.items()]
    return ", ".join(reversed(said))
