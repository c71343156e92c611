"""The fenced blocks of README.md and docs/, each with what is marked on it.

A mark is an HTML comment on the line before the fence:

    <!-- output -->               what a program prints: nothing to run
    <!-- needs: docker -->        cannot run where the tests run: see NEEDS; counted, and the count is in docs/index.md.
                                  A command that begins with docker or kubectl says so by itself
    <!-- setup                    Python that has to run before this block, over any number of lines
    from shop import app
    -->
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from celery_otel_pipeline.repository import ROOT

NEEDS = {
    "docker": "a Docker engine",
    "kubernetes": "a Kubernetes cluster",
    "root": "root on a machine that may be changed",
    "quiet": "minutes on a machine that does nothing else",
}
"""What a block may need that is not there when the tests run."""

_PROGRAMS = {"docker": "docker", "kubectl": "kubernetes"}

_FENCE = re.compile(r"^(?P<indent>[ ]*)```(?P<info>.*)$")
_MARK = re.compile(r"<!--\s*(?P<text>(?:(?!-->).)*?)\s*-->\s*$", re.DOTALL)
_FILE = re.compile(r"`(?P<file>[\w/.-]+\.\w+)`:\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        page: Its file, from the root of the repository.
        line: The line of its fence.
        language: What follows the fence, such as `console`; empty for none.
        text: What is in it, without the page's indent.
        mark: What is marked on it, such as `output`; empty for nothing.
        file: The file that it is, where the line before says so as in "`shop/tasks.py`:"; else empty.
    """

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    file: str = ""

    @property
    def where(self) -> str:
        """Where it is, as `page:line`."""
        return f"{self.page}:{self.line}"

    @property
    def needs(self) -> str:
        """What it needs that is not there; empty for nothing."""
        kind, _, needed = self.mark.partition(":")
        return needed.strip() if kind == "needs" else self._needs_of_commands()

    def _needs_of_commands(self) -> str:
        found = re.search(rf"^\$ ({'|'.join(_PROGRAMS)}) ", self.text, re.MULTILINE)
        return _PROGRAMS[found[1]] if found else ""

    @property
    def setup(self) -> str:
        """The Python that has to run before it."""
        kind, _, code = self.mark.partition("\n")
        return f"{code}\n" if kind.strip() == "setup" else ""

    @property
    def is_output(self) -> bool:
        """Whether it is only what a program prints, or a drawing."""
        return self.mark == "output" or self.language == "text"


def pages() -> list[Path]:
    """The pages whose blocks count."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def all_blocks() -> list[Block]:
    """Every block of every page."""
    return [block for page in pages() for block in blocks_of(page.relative_to(ROOT).as_posix(), page.read_text())]


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The blocks of one page."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if not (fence := _FENCE.match(line)):
            continue
        if start is None:
            start = number
            continue
        yield _block(page, lines, start, number, indent=len(fence["indent"]))
        start = None


def _block(page: str, lines: list[str], start: int, end: int, indent: int) -> Block:
    above = "\n".join(lines[:start]).rstrip()
    mark = _MARK.search(above)
    if mark is not None:
        above = above[: mark.start()].rstrip()
    file = _FILE.search(above.rpartition("\n")[2])
    fence = _FENCE.match(lines[start])
    words = fence["info"].split() if fence else []
    return Block(
        page=page,
        line=start + 1,
        language=words[0] if words else "",
        text="".join(f"{line[indent:]}\n" for line in lines[start + 1 : end]),
        mark=mark["text"].strip() if mark else "",
        file=file["file"] if file else "",
    )
