"""The figures of the last minutes: what Prometheus answers, and what is said when it does not."""

import asyncio
import json
from collections.abc import Callable

import pytest

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.recent_figures import NO_SERIES, NOT_SET, Figures, RecentFigures, figures_of
from celery_otel_api.remote import Remote


class Told(Remote):
    """A service that answers with what it is told to.

    Args:
        answer: Gives the answer.
    """

    def __init__(self, answer: Callable[[], str]) -> None:
        super().__init__("Prometheus", "http://prometheus:9090", option="URL", timeout=1.0)
        self._answer = answer

    def read(self, path: str = "", *, most: int) -> bytes:  # noqa: ARG002  # whatever is asked
        """The answer."""
        return self._answer().encode()


def figures(**values: str) -> Figures:
    """What becomes of Prometheus' answer with these figures."""
    result = [{"metric": {"figure": name}, "value": [1.0, value]} for name, value in values.items()]
    return figures_of(Told(lambda: json.dumps({"status": "success", "data": {"result": result}})))


def test_figures_are_read_by_their_names() -> None:
    """The success ratio is that of all attempts that ended."""
    found = figures(ended="10", successes="8", failures="1", retries="1", p50="0.5")
    named = [found.get(name) for name in ("ended", "failures", "retries", "p50")]
    assert ([10.0, 1.0, 1.0, 0.5], 0.8) == (named, found.success_ratio)


def test_what_prometheus_does_not_know_is_not_known() -> None:
    """Nothing ended: quantiles are NaN there, and null here; and so is a ratio of nothing."""
    found = figures(ended="0", successes="0", p50="NaN")
    assert (None, None, None) == (found.get("p50"), found.get("p99"), found.success_ratio)


def test_a_prometheus_without_our_series_is_the_reason() -> None:
    """Nothing is known then: that is not the same as that nothing ended."""
    assert (NO_SERIES, None) == (figures().reason, figures().get("ended"))


def test_without_an_address_nothing_is_asked() -> None:
    """The reason says which option is missing."""
    assert NOT_SET == asyncio.run(RecentFigures("").get()).reason


def test_an_address_that_is_none_is_said_at_the_start() -> None:
    """The option is named."""
    with pytest.raises(ConfigurationError, match="CELERY_OTEL_API_PROMETHEUS_URL"):
        RecentFigures("prometheus:9090")


@pytest.mark.parametrize("text", ["", "[]", '{"data": {"result": [{"metric": {}}]}}', '{"status": "error"}'])
def test_an_answer_of_something_else_is_the_reason(text: str) -> None:
    """Whatever answers there, the summary comes."""
    assert "is not Prometheus" in figures_of(Told(lambda: text)).reason
