"""Writes `docs/reference/claims.md`: every number of the pages with the command, file or project that it is from."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from celery_otel_pipeline.repository import ROOT
from tests.claims.claim import Claim, Claims, Source

PAGE = ROOT / "docs" / "reference" / "claims.md"
_HEAD = """# Where the numbers are from

*Generated from `docs/claims.yaml` by `make claims`, which fails if a page says a number that is not here, or if
the file that it is from says something else.*

Numbers in tables and pages that a command has written are not repeated: the command is named there.
"""


def rendered(claims: Claims) -> str:
    """The page of all claims, in the order of the list."""
    parts = [_HEAD]
    for page, own in groupby(claims.claims, key=lambda claim: claim.page):
        parts += [f"## {page}\n", "\n".join(_table(list(own), claims))]
    return "\n".join(parts) + "\n"


def _table(own: list[Claim], claims: Claims) -> Iterator[str]:
    yield "| it says | that is from |"
    yield "| --- | --- |"
    for claim in own:
        yield f"| {_cell(claim.says)} | {_origin(claim, claims.sources.get(claim.origin))} |"
    yield ""


def _origin(claim: Claim, source: Source | None) -> str:
    if claim.kind == "by":
        return f"measured by `{claim.origin}`"
    if source is not None and claim.kind == "from":
        return f"{claim.origin}: `{source.file}`"
    return claim.origin if claim.kind == "follows" else f"said by others: {claim.origin}"


def _cell(text: str) -> str:
    return f"…{text.strip('| ')}…".replace("|", "\\|")


def write(claims: Claims, page: Path = PAGE) -> None:
    """Writes the page."""
    page.write_text(rendered(claims))
