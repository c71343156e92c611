"""What a page claims, and where it has that from: the entries of `docs/claims.yaml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from celery_otel_pipeline.repository import ROOT

CLAIMS = ROOT / "docs" / "claims.yaml"
KINDS = ("by", "from", "follows", "outside")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number is decided.

    Attributes:
        file: The file, from the root of the repository.
        has: What it says there, word for word, but for the amount of blanks.
    """

    file: str
    has: str

    @property
    def holds(self) -> bool:
        """Whether the file still says so."""
        path = ROOT / self.file
        return path.is_file() and _single_spaced(self.has) in _single_spaced(path.read_text())


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a page says with numbers in it.

    Attributes:
        page: The page, from the root of the repository.
        says: Its words, but for the amount of blanks.
        kind: `by` a command that measures it, `from` a source that decides it, `follows` from what else is said, or
            `outside`, by another project.
        origin: The command, the source's name, the reasoning, or who says so.
    """

    page: str
    says: str
    kind: str
    origin: str


@dataclass(frozen=True, slots=True)
class Claims:
    """All claims, and the sources that they name."""

    claims: tuple[Claim, ...]
    sources: Mapping[str, Source]

    @classmethod
    def read(cls, text: str) -> "Claims":
        """Reads `docs/claims.yaml`.

        Raises:
            ValueError: An entry has no kind, or more than one, or names a source that is not there.
        """
        data = yaml.safe_load(text)
        sources = {name: Source(**entry) for name, entry in data["sources"].items()}
        claims = tuple(_claims(data["pages"]))
        for claim in claims:
            if claim.kind == "from" and claim.origin not in sources:
                raise ValueError(f"{claim.page}: {claim.says!r} is from {claim.origin!r}, which is none of `sources`")
        return cls(claims, sources)


def _claims(pages: Mapping[str, list[dict[str, Any]]]) -> Iterator[Claim]:
    for page, entries in pages.items():
        for entry in entries:
            (kind,) = _kinds(page, entry)
            said = entry["says"] if isinstance(entry["says"], list) else [entry["says"]]
            yield from (Claim(page, str(words), kind, str(entry[kind])) for words in said)


def _kinds(page: str, entry: Mapping[str, Any]) -> list[str]:
    kinds = [kind for kind in KINDS if kind in entry]
    if len(kinds) != 1 or set(entry) != {"says", *kinds}:
        raise ValueError(f"{page}: {entry} needs `says` and one of {', '.join(KINDS)}")
    return kinds


def _single_spaced(text: str) -> str:
    return " ".join(text.split())
