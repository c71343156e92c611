"""What a page says in words: its text without code, links' targets and what a command has written there."""

import re

#: A page that a command writes whole says so in its head.
_WRITTEN = re.compile(r"\A# [^\n]*\n\n\*(?:Generated|Written)\b[^\n]*`")
#: Each is blanked, in this order; what stays keeps its place.
_NO_PROSE = (
    re.compile(r"^[ ]*```.*?^[ ]*```", re.DOTALL | re.MULTILINE),
    re.compile(r"<!-- (\w+): begin, by .*? -->.*?<!-- \1: end -->", re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"<[a-z/][^>\n]*>"),
    re.compile(r"(`+)[^`]+\1"),
    re.compile(r"(?<=\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"),
)


def is_written(page: str) -> bool:
    """Whether a command writes the whole page, as its head then says."""
    return bool(_WRITTEN.match(page))


def prose(page: str) -> str:
    """The words of a page, each at its place: the rest is blank.

    Args:
        page: Markdown.
    """
    for kind in _NO_PROSE:
        page = kind.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), page)
    return page
