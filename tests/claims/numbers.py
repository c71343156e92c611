"""The numbers in a page's prose that claim something.

Left out is what claims nothing that could be measured or looked up:

- ordinals of lists and headings;
- 0 and 1 alone: values of a series, or "one" of a thing;
- versions, behind the name of what they are a version of;
- the codes of HTTP's statuses, from 200 on, on a page that is about HTTP.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from tests.claims.prose import prose

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w]|-\w)")
_ORDINAL = re.compile(r"^(?:#+ |[ ]*)\d+\.[ ]", re.MULTILINE)
_NAMES = (
    "Alertmanager",
    "Celery",
    "Compose",
    "Flower",
    "Go",
    "Grafana",
    "Jaeger",
    "Kubernetes",
    "OpenAPI",
    "OAuth",
    "Prometheus",
    "Python",
    "RabbitMQ",
    "Redis",
    "celery-exporter",
)
_VERSION = r"\d+(?:\.(?:\d+|x))*"
_UNIT_TEXT = r"\s?(?:%|[µmk]?s\b|[kMG]i?B\b|(?:second|minute|hour|day|time)s?\b)"
_UNIT = re.compile(_UNIT_TEXT)
_VERSIONS = re.compile(
    rf"(?:{'|'.join(_NAMES)}) {_VERSION}(?:(?:,| to| and| or)+ {_VERSION})*+(?!\w|%|\.\d)(?!{_UNIT_TEXT})"
)
_STATUSES = {str(status.value) for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a page says.

    Attributes:
        line: Its line, from 1.
        start: Where it begins in the page.
        text: The number.
        context: The line around it.
    """

    line: int
    start: int
    text: str
    context: str


def numbers(page: str) -> Iterator[Number]:
    """The numbers of a page that claim something.

    Args:
        page: Markdown.
    """
    words = prose(page)
    silent = [found.span() for kind in (_ORDINAL, _VERSIONS) for found in kind.finditer(words)]
    http = "HTTP" in page
    for found in _NUMBER.finditer(words):
        if any(begin <= found.start() < end for begin, end in silent) or _claims_nothing(found, words, http=http):
            continue
        line = words.count("\n", 0, found.start())
        yield Number(line + 1, found.start(), found[0], page.split("\n")[line].strip())


def _claims_nothing(found: re.Match[str], words: str, *, http: bool) -> bool:
    if _UNIT.match(words, found.end()):
        return False
    return found[0] in {"0", "1"} or (http and found[0] in _STATUSES)
