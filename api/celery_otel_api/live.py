"""The stream of snapshots that keeps the page up to date.

Listeners share the snapshots that `SnapshotKeeper` takes anyway, and the text that is made of each: many of them ask
the workers no more often than one, and none at all asks nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from celery_otel_api.cluster import Cluster
from celery_otel_api.live_schemas import LiveEvent
from celery_otel_api.live_view import live_view
from celery_otel_api.operation import API, Operation
from celery_otel_api.problems import ProblemError
from celery_otel_api.snapshot import Snapshot

MOST_LISTENERS = 50
"""Listeners at once: each holds a connection open."""
_RETRY_AFTER = 10
_STUCK = 30.0
"""Seconds after which a listener that takes nothing is let go."""
LONGEST = 600.0
"""Seconds after which a stream ends and the listener has to ask again: who may listen is looked at only then."""


@dataclass(slots=True)
class Seats:
    """How many listen. For one event loop.

    Attributes:
        most: How many may.
        longest: For how many seconds each may.
        taken: How many do.
    """

    most: int = MOST_LISTENERS
    longest: float = LONGEST
    taken: int = 0

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Takes one."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


class LiveResponse(EventSourceResponse):
    """A stream that has a seat for as long as it is open.

    Args:
        events: The events.
        seats: Where it takes its seat.
    """

    def __init__(self, events: AsyncIterator[ServerSentEvent], seats: Seats) -> None:
        super().__init__(events, send_timeout=_STUCK, sep="\n")
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until one side ends."""
        with self._seats.seat():
            await super().__call__(scope, receive, send)


class LiveParameters(BaseModel):
    """Of the stream."""

    model_config = ConfigDict(extra="forbid")

    events: int | None = Field(None, ge=1, description="end after so many events; by default never")


async def live(request: Request, parameters: LiveParameters) -> Response:
    """Opens a stream.

    Raises:
        ProblemError: Too many are open.
    """
    cluster: Cluster = request.app.state.cluster
    seats: Seats = cluster.parts.setdefault("live", Seats())
    if seats.taken >= seats.most:
        raise _full(seats)
    return LiveResponse(_events(cluster, parameters.events, seats.longest), seats)


def _full(seats: Seats) -> ProblemError:
    detail = f"{seats.most} listeners are connected, which is the most. Close pages that nobody looks at, or try later."
    headers = {"Retry-After": str(_RETRY_AFTER)}
    return ProblemError(503, "too-many-listeners", "Too many listeners", detail, headers=headers)


async def _events(cluster: Cluster, most: int | None, longest: float) -> AsyncIterator[ServerSentEvent]:
    sent, end = 0, asyncio.get_running_loop().time() + longest
    while True:
        snapshot = await cluster.snapshots.get()
        yield ServerSentEvent(_text(cluster, snapshot), event="snapshot", sep="\n")
        sent += 1
        if sent == most:
            return
        await asyncio.sleep(cluster.settings.refresh_interval)
        if asyncio.get_running_loop().time() >= end:
            yield ServerSentEvent("{}", event="again", sep="\n")
            return


def _text(cluster: Cluster, snapshot: Snapshot) -> str:
    """The event's data: the snapshot, made into text once for all listeners, and how old it is now."""
    text = snapshot.rendered.get("live")
    if text is None:
        text = live_view(snapshot, cluster.app, cluster.settings).model_dump_json()
        snapshot.rendered["live"] = text
    age = round(cluster.snapshots.age, 3) if snapshot.taken_at else None
    return f'{{"snapshot_age_seconds":{json.dumps(age)},{text[1:]}'


OPERATIONS = (
    Operation(
        f"{API}/live",
        live,
        "The cluster as it changes, as server-sent events",
        description=(
            "An event named `snapshot` at once, and one per refresh interval from then on. Listeners cost the workers "
            "no more than one question per interval, however many they are; beyond 50 at once the answer is 503. After "
            "ten minutes comes an event named `again`, and the stream ends: a listener opens it anew."
        ),
        parameters=LiveParameters,
        responses={200: LiveEvent},
        media_type="text/event-stream",
        problems=(503,),
    ),
)
