"""Compares the pages with their claims: what is unclaimed, and which claims do not hold."""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from tests.claims.claim import Claim, Claims
from tests.claims.numbers import Number, numbers
from tests.claims.prose import is_written

_TARGET = re.compile(r"^([\w-]+):", re.MULTILINE)
_VARIABLE = re.compile(r"^[A-Z_]+=\S+$")


def pages(root: Path = ROOT) -> dict[str, str]:
    """README.md and the pages of docs/ by their path, without those that a command writes whole."""
    found = (root / "README.md", *sorted((root / "docs").rglob("*.md")))
    texts = {str(path.relative_to(root)): path.read_text() for path in found}
    return {name: text for name, text in texts.items() if not is_written(text)}


def faults(texts: Mapping[str, str], claims: Claims) -> Iterator[str]:
    """What is wrong, one line each; nothing if the list is complete and every claim holds.

    Args:
        texts: The pages, by their path.
        claims: All claims.
    """
    yield from (f"{claim.page}: it does not say {claim.says!r}" for claim in claims.claims if not _said(claim, texts))
    for page, text in texts.items():
        for number in unclaimed(text, [claim for claim in claims.claims if claim.page == page]):
            yield f"{page}:{number.line}: {number.text} is in no claim: {number.context}"
    for name, source in claims.sources.items():
        if not source.holds:
            yield f"source {name!r}: {source.file} does not say {source.has!r}"
    for claim in claims.claims:
        if claim.kind == "by" and not is_command(claim.origin):
            yield f"{claim.page}: {claim.says!r} is by {claim.origin!r}, which is no command of this repository"
    used = {claim.origin for claim in claims.claims if claim.kind == "from"}
    yield from (f"source {name!r} is named by no claim" for name in claims.sources if name not in used)


def unclaimed(page: str, claims: list[Claim]) -> list[Number]:
    """The numbers of a page that none of its claims says."""
    spans = [found.span() for claim in claims for found in _words(claim).finditer(page)]
    return [one for one in numbers(page) if not any(begin <= one.start < end for begin, end in spans)]


def is_command(command: str) -> bool:
    """Whether a command is one of this repository's: a target of make, a path for pytest, or a module."""
    program, *arguments = command.split()
    if program == "make":
        targets = {word for word in arguments if not _VARIABLE.match(word) and not word.startswith("-")}
        return bool(targets) and targets <= set(_TARGET.findall((ROOT / "Makefile").read_text()))
    if program == "pytest":
        return all((ROOT / word.partition("::")[0]).exists() for word in arguments if not word.startswith("-"))
    return program == "python" and arguments[:1] == ["-m"] and find_spec(arguments[1]) is not None


def _said(claim: Claim, texts: Mapping[str, str]) -> bool:
    return bool(_words(claim).search(texts.get(claim.page, "")))


def _words(claim: Claim) -> re.Pattern[str]:
    return re.compile(r"(?<![\w.])" + r"\s+".join(map(re.escape, claim.says.split())) + r"(?!\w)")
