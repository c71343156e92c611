"""Lets the body of a chord point to all its headers.

The body is published by whichever header ends last, which knows nothing of the others. What is known of all of them is
known when the chord is published: their ids, before the first of them goes out. So the spans that will publish them
get their ids there, and the body's signature, a copy of which every header carries, says which they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from typing import Any

from celery import canvas

from celery_otel.hooks.installed import Shared, patched
from celery_otel.stamps import LINKS

MAX_LINKS = 64
"""To how many headers a body points: each header's message holds them all, 56 bytes each."""

Watch = Callable[[Any, Any, Any], None]
_WATCHES: list[Watch] = []


@contextmanager
def _frozen_groups_seen() -> Iterator[None]:
    freeze = getattr(canvas.group, "_freeze_group_tasks", None)
    if freeze is None:
        yield
        return

    @wraps(freeze)
    def freeze_and_tell(self: Any, *args: Any, **kwargs: Any) -> Any:
        frozen = freeze(self, *args, **kwargs)
        body = kwargs.get("chord")
        if body is not None:
            for watch in tuple(_WATCHES):
                watch(self, frozen[1], body)
        return frozen

    with patched(canvas.group, "_freeze_group_tasks", freeze_and_tell):
        yield


_FROZEN_GROUPS = Shared(_frozen_groups_seen)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Calls somebody with the headers and the body of each chord, when all have their ids and none is published.

    Args:
        watch: Called with the group of headers, their results and the body's signature; raises nothing.
    """
    with _FROZEN_GROUPS.used():
        _WATCHES.append(watch)
        try:
            yield
        finally:
            _WATCHES.remove(watch)


def link_body(headers: Any, results: Any, body: Any, draw: Callable[[str, str], str]) -> None:
    """Writes into a body's signature which spans publish its headers.

    Args:
        headers: The group of headers.
        results: Their results.
        body: The body's signature.
        draw: Says which span publishes a task, given its id and name; empty if that cannot be said.
    """
    if type(results) is not list:
        # Headers from a generator: Celery makes and publishes one after the other, and who looks at them disturbs that.
        return
    # What is published later, as the end of a chain, or as several tasks, has no span that could be told now.
    plain = (task for task in islice(headers.tasks, MAX_LINKS) if not task.get("subtask_type"))
    drawn = [draw(str(task.options["task_id"]), str(task.task)) for task in plain if task.options.get("task_id")]
    links = ",".join(traceparent for traceparent in drawn if traceparent)
    if links:
        body.options["headers"] = {**(body.options.get("headers") or {}), LINKS: links}
