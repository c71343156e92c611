"""A hook of MkDocs: links out of docs/, and to programs in it, lead to the repository, as they do on GitHub.

A page links to `../../CONTRIBUTING.md` or `../examples/start_flower.py` by its place in the checkout, which GitHub
follows. The site has only the pages and pictures: there such a link gets the repository's address.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?P<open>\]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=[)\s])")
_IN_THE_SITE = {".md", ".png", ".svg", ".css"}


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001  # MkDocs names them
    """Changes the links of a page."""
    docs = Path(config.docs_dir)
    return outward(markdown, page.file.src_uri, docs, config.extra["repository"])


def outward(markdown: str, source: str, docs: Path, repository: str) -> str:
    """The text of a page whose links lead to the repository where the site has nothing.

    Args:
        markdown: The text.
        source: The page's place in `docs`.
        docs: The folder of the pages, in the root of the checkout.
        repository: Its address.
    """

    def changed(link: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(docs.name, posixpath.dirname(source), link["target"]))
        file = docs.parent / place
        if not file.exists() or _is_in_the_site(file, docs):
            return link[0]
        kind = "tree" if file.is_dir() else "blob"
        return f"{link['open']}{repository}/{kind}/main/{place}{link['anchor'] or ''}"

    return _LINK.sub(changed, markdown)


def _is_in_the_site(file: Path, docs: Path) -> bool:
    return file.is_relative_to(docs) and file.suffix in _IN_THE_SITE
