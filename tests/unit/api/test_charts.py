"""The charts of the last hour, from a Prometheus that answers as the real one does."""

import base64
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from celery_otel_api.charts import ChartRoom
from celery_otel_api.charts_schemas import Charts
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.prometheus import Prometheus
from tests.unit.api.fake_prometheus import FakePrometheus, fake_prometheus

NOW = 1_800_000_010.0


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    """A server of made-up series."""
    with fake_prometheus() as server:
        yield server


def _room(url: str, monotonic: Any = lambda: 0.0) -> ChartRoom:
    return ChartRoom(Prometheus(url, 5) if url else None, 5, wall=lambda: NOW, monotonic=monotonic)


def _charts(url: str) -> Charts:
    return anyio.run(_room(url).get)


def _series(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[NOW - 60, "0"], [NOW, value]]}


def test_each_chart_has_its_lines(prometheus: FakePrometheus) -> None:
    """A line is named by its label, or by what it is."""
    prometheus.known = {
        "celery_task_total": [_series("2", status="success"), _series("1", status="failure")],
        "0.95": [_series("0.5")],
        "celery_queue_length": [_series("0", queue_name="celery")],
        "pool_size": [_series("4")],
    }
    drawn = _charts(f"http://{prometheus.place}/")
    assert {"attempts": ["failure", "success"], "duration": ["p95"], "queues": ["celery"], "slots": ["slots"]} == {
        chart.name: [series.label for series in chart.series] for chart in drawn.charts
    }
    assert (True, "") == (drawn.available, drawn.reason)


def test_what_never_happened_is_no_line_of_the_attempts(prometheus: FakePrometheus) -> None:
    """Each status has a series from the start; one that stayed at zero is not drawn."""
    prometheus.known = {"celery_task_total": [_series("0", status="revoked"), _series("1", status="success")]}
    assert ["success"] == [series.label for series in _charts(f"http://{prometheus.place}").charts[0].series]


def test_what_is_no_number_is_a_gap(prometheus: FakePrometheus) -> None:
    """A quantile of nothing is NaN, which JSON has no word for."""
    prometheus.known = {"0.5,": [_series("NaN")]}
    assert [[(NOW - 60, 0.0), (NOW, None)]] == [
        series.points for series in _charts(f"http://{prometheus.place}").charts[1].series
    ]


def test_only_the_highest_lines_are_drawn(prometheus: FakePrometheus) -> None:
    """Of many queues the longest are drawn."""
    prometheus.known = {"queue_length": [_series(str(number), queue_name=f"q{number:02}") for number in range(20)]}
    labels = [series.label for series in _charts(f"http://{prometheus.place}").charts[2].series]
    assert [f"q{number}" for number in range(12, 20)] == labels


def test_it_is_asked_for_one_hour_by_minutes(prometheus: FakePrometheus) -> None:
    """The points are a minute apart, and move on by 15 seconds, so that the picture does not tremble."""
    _charts(f"http://{prometheus.place}")
    ranges = {(float(one["start"]), float(one["end"]), float(one["step"])) for one in prometheus.asked}
    assert {(1_799_996_400.0, 1_800_000_000.0, 60.0)} == ranges


def test_it_is_asked_once_for_all_and_not_soon_again(prometheus: FakePrometheus) -> None:
    """Many who ask at once share one answer, which is kept for 15 seconds."""
    now = [0.0]
    room = _room(f"http://{prometheus.place}", lambda: now[0])

    async def ask() -> list[int]:
        numbers = []
        for now[0] in (0.0, 14.9, 15.0):
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(room.get)
            numbers.append(len(prometheus.asked))
        return numbers

    once = 6
    assert [once, once, 2 * once] == anyio.run(ask)


def test_without_prometheus_it_says_what_to_do() -> None:
    """The reason names the option."""
    charts = _charts("")
    assert (False, []) == (charts.available, charts.charts)
    assert "CELERY_OTEL_API_PROMETHEUS_URL" in charts.reason


def test_a_prometheus_without_celery_is_told_from_an_idle_one(prometheus: FakePrometheus) -> None:
    """With no series at all there is a hint instead of empty charts."""
    assert "Does it scrape the collector?" in _charts(f"http://{prometheus.place}").reason


def test_a_prometheus_that_is_away_is_named_without_its_password(prometheus: FakePrometheus) -> None:
    """The reason says who does not answer, and no secret."""
    prometheus.shutdown()
    prometheus.server_close()
    reason = _charts(f"http://me:secret@{prometheus.place}").reason
    assert reason.startswith(f"Prometheus at http://{prometheus.place} does not answer")
    assert "secret" not in reason


def test_what_prometheus_refuses_is_told(prometheus: FakePrometheus) -> None:
    """Its own words are the reason."""
    prometheus.status = 400
    assert "Prometheus answered 400: parse error" == _charts(f"http://{prometheus.place}").reason


def test_a_password_is_sent_as_one(prometheus: FakePrometheus) -> None:
    """User and password of the address go into the header."""
    _charts(f"http://me:se%3Acret@{prometheus.place}")
    assert {f"Basic {base64.b64encode(b'me:se:cret').decode()}"} == prometheus.authorizations


def test_an_address_of_another_kind_is_refused() -> None:
    """Files are not read, and the variable is named that holds such an address."""
    with pytest.raises(ConfigurationError, match="CELERY_OTEL_API_PROMETHEUS_URL cannot be used"):
        Prometheus("file:///etc/passwd", 5)
