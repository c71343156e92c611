"""A hook of MkDocs: in the navigation, `folder/*` stands for every page of that folder that is not named elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GLOB = "/*"


def on_config(config: Any) -> Any:
    """Writes the navigation out."""
    config.nav = expanded(config.nav, Path(config.docs_dir))
    return config


def expanded(nav: list[Any], docs: Path) -> list[Any]:
    """A navigation in which every page has its name."""
    named = {page for page in pages(nav) if not page.endswith(_GLOB)}
    return list(_expanded(nav, docs, named))


def pages(nav: list[Any]) -> Iterator[str]:
    """Every page, or folder with a star, of a navigation."""
    for entry in nav:
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            yield from pages(target) if isinstance(target, list) else [target]


def _expanded(nav: list[Any], docs: Path, named: set[str]) -> Iterator[Any]:
    for entry in nav:
        if isinstance(entry, str) and entry.endswith(_GLOB):
            found = (page.relative_to(docs).as_posix() for page in sorted(docs.glob(f"{entry}.md")))
            yield from (page for page in found if page not in named)
        elif isinstance(entry, dict):
            yield {
                title: list(_expanded(target, docs, named)) if isinstance(target, list) else target
                for title, target in entry.items()
            }
        else:
            yield entry
