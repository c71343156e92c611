"""How old an answer is, said in every one that comes from the snapshot: in its body and in its `Age` header."""

import math
import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from celery_otel_api.cluster import Cluster
from celery_otel_api.operation import Scope
from celery_otel_api.problems import ProblemError
from celery_otel_api.snapshot import Snapshot

TIMESTAMP = "when the workers were asked: RFC 3339, UTC"
AGE = "how long ago that was, in seconds; null if nobody has answered yet"


class Fresh(BaseModel):
    """What every answer from the snapshot says of its age."""

    timestamp: str = Field(description=TIMESTAMP)
    snapshot_age_seconds: float | None = Field(description=AGE)
    broker_connected: bool = Field(description="whether the broker could be asked; if not, nothing is known of workers")
    reason: str | None = Field(description="why the broker could not be asked, and null if it could")


def cluster_of_request(request: Request) -> Cluster:
    """What the handlers share."""
    cluster: Cluster = request.app.state.cluster
    return cluster


def may(request: Request, scope: Scope) -> bool:
    """Whether the caller of a request has a scope that changes what the answer shows."""
    try:
        cluster_of_request(request).authorize(request, scope)
    except ProblemError:
        return False
    return True


def rfc3339(at: float) -> str:
    """A Unix time as RFC 3339, in UTC with a Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_age(age: float) -> float | None:
    """An age in seconds; None for what was never there."""
    return age if math.isfinite(age) else None


def age_header(age: float | None) -> dict[str, str]:
    """The header `Age` of an answer that was made of what is so old."""
    return {} if age is None else {"Age": str(int(age))}


def age_of(cluster: Cluster) -> float | None:
    """Seconds since the newest snapshot; None if there is none yet."""
    age = cluster.snapshots.age
    return round(age, 3) if math.isfinite(age) else None


def asked_at(snapshot: Snapshot) -> str:
    """When the workers were asked, as RFC 3339; now, if there was no time for it yet."""
    return rfc3339(snapshot.taken_at or time.time())


def fresh_fields(cluster: Cluster, snapshot: Snapshot) -> dict[str, Any]:
    """The fields of `Fresh`."""
    return {
        "timestamp": asked_at(snapshot),
        "snapshot_age_seconds": age_of(cluster),
        "broker_connected": snapshot.broker_connected,
        "reason": snapshot.reason or None,
    }


def json_response(body: str | bytes, age: float | None, status: int = 200) -> Response:
    """A response of JSON that is serialised already, with its age."""
    return Response(body, status, age_header(age), "application/json")
