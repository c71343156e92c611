"""A task is looked for among messages that anybody may have written."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from celery_otel_api.queue_search import _Search

DEEP = b'"t"' + b"[" * 200_000


class Lists:
    """A Redis with one list, and nothing that is out."""

    def __init__(self, *messages: bytes) -> None:
        self._messages = list(messages)

    def lrange(self, *_: Any) -> list[bytes]:
        """The list."""
        return self._messages

    def hscan_iter(self, *_: Any, **__: Any) -> list[Any]:
        """Nothing."""
        return []


def search(*messages: bytes) -> Any:
    """What comes of a search for the task t."""
    channel = SimpleNamespace(
        priority_steps=[0], global_keyprefix="", unacked_key="unacked", _q_for_pri=lambda name, _: name
    )
    return _Search(channel, Lists(*messages), "t").found(["celery"])


@pytest.mark.parametrize(
    ("retries", "expected"), [(3, 3), ("x", 0), ([1], 0), (None, 0), (-1, 0), (10**400, 2**31), (float("inf"), 2**31)]
)
def test_retries_of_any_kind_are_a_count(retries: Any, expected: int) -> None:
    """And a name that UTF-8 cannot say is escaped."""
    message = json.dumps({"headers": {"id": "t", "task": "\ud800", "retries": retries}})
    found = search(message.encode())
    assert ("celery", "\\ud800", expected) == (found.queue, found.task_name, found.retries)


def test_a_message_that_is_nested_too_deep_is_another_one() -> None:
    """It is passed over."""
    assert search(DEEP).queue is None
