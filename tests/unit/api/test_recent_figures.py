"""The figures of the last minutes: what Prometheus answers, and what is said when it does not."""

import asyncio
import json
from collections.abc import Callable

import pytest

from celery_otel_api.fetching import Fetched, FetchError
from celery_otel_api.recent_figures import NOT_SET, Figures, RecentFigures


def asked(read: Callable[[str], Fetched], url: str = "http://prometheus:9090/") -> Figures:
    """The figures that come of an answer."""
    return asyncio.run(RecentFigures(url, read).get())


def answer(**figures: str) -> Callable[[str], Fetched]:
    """Prometheus' answer with these figures."""
    result = [{"metric": {"figure": name}, "value": [1.0, value]} for name, value in figures.items()]
    return lambda _: Fetched(json.dumps({"status": "success", "data": {"result": result}}), "application/json")


def test_figures_are_read_by_their_names() -> None:
    """The success ratio is that of all attempts that ended."""
    figures = asked(answer(ended="10", successes="8", failures="1", retries="1", p50="0.5"))
    assert (10.0, 1.0, 1.0, 0.5, 0.8) == (
        *map(figures.get, ("ended", "failures", "retries", "p50")),
        figures.success_ratio,
    )


def test_what_prometheus_does_not_know_is_not_known() -> None:
    """Nothing ended: quantiles are NaN there, and null here; and so is a ratio of nothing."""
    figures = asked(answer(ended="0", successes="0", p50="NaN"))
    assert (None, None, None) == (figures.get("p50"), figures.get("p99"), figures.success_ratio)


def test_without_an_address_nothing_is_asked() -> None:
    """The reason says which option is missing."""
    assert NOT_SET == asked(answer(), url="").reason


def test_a_prometheus_that_is_away_is_the_reason() -> None:
    """What failed is said."""

    def away(_: str) -> Fetched:
        raise FetchError("It is away.")

    assert "It is away." == asked(away).reason


@pytest.mark.parametrize("text", ["", "[]", '{"data": {"result": [{"metric": {}}]}}', '{"status": "error"}'])
def test_an_answer_of_something_else_is_the_reason(text: str) -> None:
    """Whatever answers there, the summary comes."""
    assert "is not Prometheus" in asked(lambda _: Fetched(text, "")).reason
