"""Pages of tasks that stay in place while tasks come and go.

A page begins after the last entry of the one before, by a key that an entry keeps as long as it is held: worker, id and
retries, and then its state, which only falls in the order of the alphabet (scheduled, reserved, active). So an entry
that is held all the time appears once, whatever else begins or ends meanwhile.
"""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from celery_otel.inspection import HeldTask

Key = tuple[str, str, int, str]
"""Where an entry stands: worker, task id, retries, state."""


class CursorError(ValueError):
    """A cursor that no page has given."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of many.

    Attributes:
        tasks: The entries, in the order of their keys.
        following: The key after which the next page begins; None if this is the last.
    """

    tasks: Sequence[HeldTask]
    following: Key | None


def key_of(task: HeldTask) -> Key:
    """Where an entry stands."""
    return task.worker, task.task_id, task.retries, task.state


def in_order(tasks: Iterable[HeldTask]) -> list[HeldTask]:
    """Entries as pages show them."""
    return sorted(tasks, key=key_of)


def page_of(ordered: Sequence[HeldTask], after: Key | None, limit: int) -> Page:
    """The page after a key.

    Args:
        ordered: All entries, in order.
        after: The key; None for the first page.
        limit: How many there are at most.
    """
    begin = 0 if after is None else bisect_right(ordered, after, key=key_of)
    tasks = ordered[begin : begin + limit]
    more = begin + limit < len(ordered)
    return Page(tasks, key_of(tasks[-1]) if more else None)


def written(key: Key) -> str:
    """The cursor for a key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read(cursor: str) -> Key:
    """The key of a cursor.

    Raises:
        CursorError: No page has given it.
    """
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        key = None
    if not _is_key(key):
        raise CursorError("it is the next_cursor of the page before, as it was given")
    worker, task_id, retries, state = key
    return worker, task_id, retries, state


def _is_key(key: object) -> bool:
    if not isinstance(key, list) or len(key) != 4:  # noqa: PLR2004  # the parts of a Key
        return False
    worker, task_id, retries, state = key
    texts = all(isinstance(one, str) for one in (worker, task_id, state))
    return texts and type(retries) is int
