"""The stream of snapshots, with workers that are made up."""

import json
from typing import Any

import pytest
from celery import Celery
from starlette.applications import Starlette

from celery_otel_api.cluster import Cluster, everyone
from celery_otel_api.fleet import Fleet
from celery_otel_api.live import OPERATIONS, Seats
from celery_otel_api.live_schemas import LiveEvent
from celery_otel_api.operation import routes
from celery_otel_api.problems import ProblemError, on_problem
from celery_otel_api.settings import ApiSettings
from celery_otel_api.snapshot import Snapshot, SnapshotKeeper
from tests.unit.api.asking import ask

STREAM = "/api/v1/celery/live"


class Survey:
    """Takes empty snapshots, and counts them."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self) -> Snapshot:
        """Takes one."""
        self.taken += 1
        return Snapshot(1_800_000_000.0 + self.taken, broker_connected=True)


@pytest.fixture
def survey() -> Survey:
    """Where snapshots come from."""
    return Survey()


@pytest.fixture
def service(survey: Survey) -> Starlette:
    """A service of the stream alone."""
    settings = ApiSettings.read(refresh_interval=0.01)
    service = Starlette(routes=routes(OPERATIONS), exception_handlers={ProblemError: on_problem})
    service.state.cluster = Cluster(
        app=Celery("shop", set_as_current=False),
        settings=settings,
        fleet=Fleet((), 60, lambda: 0.0),
        snapshots=SnapshotKeeper(survey, interval=0.01, deadline=5),
        authorize=everyone,
    )
    return service


def _events(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block for block in text.split("\n\n") if block]
    fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(field["event"], json.loads(field["data"])) for field in fields]


def test_it_begins_with_a_snapshot_and_goes_on_with_new_ones(service: Starlette, survey: Survey) -> None:
    """Each event has a snapshot that is not older than the refresh interval."""
    events = _events(ask(service, STREAM, params={"events": 3}).text)
    assert ["snapshot"] * 3 == [name for name, _ in events]
    assert 3 == len({data["timestamp"] for _, data in events}) == survey.taken


def test_its_data_is_what_the_description_says(service: Starlette) -> None:
    """The data has exactly the fields of the described model."""
    [(_, data)] = _events(ask(service, STREAM, params={"events": 1}).text)
    assert set(LiveEvent.model_fields) == set(data)
    assert LiveEvent.model_validate(data).broker_connected


def test_it_is_a_stream_that_nobody_keeps(service: Starlette) -> None:
    """The headers say so to browsers and proxies."""
    headers = ask(service, STREAM, params={"events": 1}).headers
    assert ("text/event-stream; charset=utf-8", "no-store") == (headers["content-type"], headers["cache-control"])


def test_without_listeners_nobody_is_asked(service: Starlette, survey: Survey) -> None:
    """A question whether there is a stream begins none."""
    assert 200 == ask(service, STREAM, "HEAD").status_code
    assert 0 == survey.taken


def test_listeners_give_their_seats_back(service: Starlette) -> None:
    """When a stream has ended, its seat is free."""
    ask(service, STREAM, params={"events": 1})
    assert 0 == service.state.cluster.parts["live"].taken


def test_there_are_not_more_listeners_than_seats(service: Starlette) -> None:
    """One more is refused, and told when to come again."""
    service.state.cluster.parts["live"] = Seats(most=1, taken=1)
    answer = ask(service, STREAM)
    assert (503, "10", "/problems/too-many-listeners") == (
        answer.status_code,
        answer.headers["Retry-After"],
        answer.json()["type"],
    )


def test_a_stream_ends_after_a_while(service: Starlette) -> None:
    """It asks its listener to come again: only then is it looked at who may listen."""
    service.state.cluster.parts["live"] = Seats(longest=0)
    assert ["snapshot", "again"] == [name for name, _ in _events(ask(service, STREAM).text)]


@pytest.mark.parametrize("query", ["events=0", "events=many", "else=1"])
def test_parameters_are_checked(service: Starlette, query: str) -> None:
    """A parameter that cannot be used is a problem before the stream begins."""
    assert 422 == ask(service, f"{STREAM}?{query}").status_code
