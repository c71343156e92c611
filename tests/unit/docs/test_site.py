"""The site of docs/ has every page, and its links lead where those on GitHub do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.site.nav_globs import expanded, pages
from docs.site.outward_links import outward
from docs.site.table_pipes import with_bars

from celery_otel_pipeline.repository import ROOT

DOCS = ROOT / "docs"


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags for Python are of no interest here."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    """The site's."""
    found = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)  # noqa: S506  # a safe loader
    assert isinstance(found, dict)
    return found


def test_every_page_is_in_the_navigation_once(configuration: dict[str, Any]) -> None:
    """And the navigation names no page that is not there: put a new one under `nav` in mkdocs.yml."""
    named = list(pages(expanded(configuration["nav"], DOCS)))
    there = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(there) == sorted(named)


def test_nothing_comes_from_elsewhere(configuration: dict[str, Any]) -> None:
    """No fonts; no address of a repository, whose stars the theme would ask for."""
    assert (False, None) == (configuration["theme"]["font"], configuration.get("repo_url"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_links_of_pages_beside_the_site_lead_somewhere(page: str) -> None:
    """The strict build looks at those of docs/; GitHub alone shows these."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (ROOT / page).read_text())
    assert [] == [target for target in targets if not (ROOT / target).exists()]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("../a.md#b", "../a.md#b"),
        ("../../Makefile", "R/blob/main/Makefile"),
        ("../x.py#L3", "R/blob/main/docs/x.py#L3"),
        ("../folder", "R/tree/main/docs/folder"),
        ("nowhere.py", "nowhere.py"),
        ("https://example.com/a.py", "https://example.com/a.py"),
    ],
    ids=["page", "file-outside", "program", "folder", "missing", "elsewhere"],
)
def test_a_link_leads_to_the_repository_where_the_site_has_nothing(tmp_path: Path, link: str, expected: str) -> None:
    """A page's stays as it is; what does not exist, too, so that the strict build names it."""
    docs = tmp_path / "docs"
    (docs / "folder").mkdir(parents=True)
    for file in (docs / "a.md", docs / "x.py", tmp_path / "Makefile"):
        file.touch()
    assert f"[text]({expected})" == outward(f"[text]({link})", "guides/page.md", docs, "R")


def test_a_star_is_every_page_that_is_not_named(tmp_path: Path) -> None:
    """By name; those with a place of their own keep it."""
    (tmp_path / "runbooks").mkdir()
    for name in ("b", "a", "index"):
        (tmp_path / "runbooks" / f"{name}.md").touch()
    nav = [{"Runbooks": ["runbooks/index.md", "runbooks/*"]}]
    assert [{"Runbooks": ["runbooks/index.md", "runbooks/a.md", "runbooks/b.md"]}] == expanded(nav, tmp_path)


def test_a_bar_in_a_cell_has_no_backslash() -> None:
    """As on GitHub; outside of tables the backslash stays."""
    page = r"<td style=''><code>a\|b</code></td><p><code>a\|b</code></p>"
    assert r"<td style=''><code>a|b</code></td><p><code>a\|b</code></p>" == with_bars(page)
