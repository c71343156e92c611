"""Puts two pages of metrics together, family by family, as text: neither values nor exemplars are touched.

Both pages are of the same format: Prometheus' text format 0.0.4, or OpenMetrics 1.0.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SAMPLE = re.compile(rf'({_NAME})(?:\{{((?:[^"}}]|{_QUOTED})*)\}})?[ \t]+(\S+)')
_LABEL = re.compile(rf"([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*({_QUOTED})")
_HEAD = re.compile(rf"# (?:HELP|TYPE|UNIT) ({_NAME})(?: |$)")
_END = "# EOF"
_SUFFIXES = frozenset(("", "_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info"))
"""What the name of a sample has behind that of its family."""

Labels = frozenset[tuple[str, str]]
"""Labels with their values, as they are written."""


@dataclass(slots=True)
class Family:
    """A metric with its samples.

    Attributes:
        name: Its name.
        head: The lines that describe it.
        samples: The lines of its samples.
    """

    name: str
    head: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


def parsed(page: str) -> dict[str, Family]:
    """The families of a page, by name and in order."""
    families: dict[str, Family] = {}
    current = Family("")
    # Not splitlines: label values may hold what Unicode, too, calls the end of a line.
    for line in page.split("\n"):
        if not line.strip() or line == _END:
            continue
        head = _HEAD.match(line)
        name = head[1] if head else _family_of(line, current.name)
        if name != current.name:
            current = families.setdefault(name, Family(name))
        (current.head if line.startswith("#") else current.samples).append(line)
    return families


def _family_of(line: str, current: str) -> str:
    sample = None if line.startswith("#") else _SAMPLE.match(line)
    if sample is None or (sample[1].startswith(current) and sample[1][len(current) :] in _SUFFIXES):
        return current
    return sample[1]


def labels_of(line: str) -> Labels:
    """The labels of a sample."""
    sample = _SAMPLE.match(line)
    return frozenset((key, quoted[1:-1]) for key, quoted in _LABEL.findall(sample[2] or "")) if sample else frozenset()


def values_of(family: Family | None) -> dict[Labels, float]:
    """The values of a family of gauges."""
    found = ((line, _SAMPLE.match(line)) for line in (family.samples if family else ()))
    return {labels_of(line): float(sample[3]) for line, sample in found if sample}


def merged(own: str, relayed: str, names: Collection[str], job: str) -> str:
    """One page of two, each series once, without the end that OpenMetrics asks for.

    Args:
        own: The page of which everything is kept.
        relayed: The other one, of whose series those are left out that the first has.
        names: Families of the first page that may have come back through the second.
        job: The job of those that have, which are left out whatever their values are.
    """
    families = parsed(own)
    for family in parsed(relayed).values():
        if family.name in names:
            family.samples = [line for line in family.samples if ("job", job) not in labels_of(line)]
        if not family.samples:
            continue
        if family.name in families:
            _extend(families[family.name], family.samples)
        else:
            families[family.name] = family
    return rendered(families.values())


def _extend(family: Family, samples: Iterable[str]) -> None:
    """Adds the samples of series that a family does not have yet."""
    had = {_identity(line) for line in family.samples}
    family.samples += [line for line in samples if _identity(line) not in had]


def _identity(line: str) -> tuple[str, Labels]:
    sample = _SAMPLE.match(line)
    return (sample[1] if sample else line), labels_of(line)


def rendered(families: Iterable[Family]) -> str:
    """The text of these families."""
    return "".join(f"{line}\n" for family in families for line in (*family.head, *family.samples))
