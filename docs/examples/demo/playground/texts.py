"""Word statistics of text files."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from celery.exceptions import Ignore

from .app import app
from .journal import JournaledTask

MOST_COMMON = 20


def digest(content: bytes) -> str:
    """Return what identifies a file's content."""
    return hashlib.sha256(content).hexdigest()


def most_common(text: str) -> dict[str, int]:
    """Count the words of a text and return the most frequent ones."""
    words = re.findall(r"[a-z]{3,}", text.lower())
    return dict(Counter(words).most_common(MOST_COMMON))


@app.task(base=JournaledTask, bind=True)
def count_file(self: JournaledTask, path: str, known_digest: str | None = None) -> dict[str, int]:
    """Count the words of a file.

    Args:
        self: The task.
        path: The file.
        known_digest: Digest of the content that was counted last time, if it ever was.

    Raises:
        Ignore: The content has not changed since: there is nothing to say.
    """
    content = Path(path).read_bytes()
    if digest(content) == known_digest:
        self.note("ignored")
        raise Ignore
    return most_common(content.decode())


@app.task(base=JournaledTask)
def count_text(text: str) -> dict[str, int]:
    """Count the words of a text, for example of a page just fetched."""
    return most_common(text)


@app.task(base=JournaledTask)
def merge(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Add up the counts of several files."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total.most_common(MOST_COMMON))
