"""Asks Prometheus for series over a time. It blocks: callers do so in a thread."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from celery_otel_api.errors import ApiError
from celery_otel_api.remote import Remote, RemoteError

OPTION = "CELERY_OTEL_API_PROMETHEUS_URL"
_MOST_BYTES = 4_000_000
"""Of an answer: a few dozen series over an hour are a hundredth of it."""

Points = list[tuple[float, float | None]]


class PrometheusError(ApiError):
    """Prometheus gave no usable answer. The message says why, without the password of its address."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series over a time.

    Attributes:
        labels: Its labels.
        points: Unix times in seconds, and the values; None where they are no numbers.
    """

    labels: Mapping[str, str]
    points: Points


class Prometheus:
    """One Prometheus.

    Args:
        url: Its address, with user and password if it wants them.
        timeout: Seconds that it may take for each step of an answer.

    Raises:
        ConfigurationError: It is no address of HTTP.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        self._remote = Remote("Prometheus", url, option=OPTION, timeout=timeout)

    def range(self, query: str, *, start: float, end: float, step: float) -> list[Series]:
        """The series of a query.

        Args:
            query: In PromQL.
            start: The Unix time of the first point, in seconds.
            end: That of the last.
            step: Seconds between two.

        Raises:
            PrometheusError: It gave no usable answer.
        """
        asked = {"query": query, "start": start, "end": end, "step": step, "timeout": self._timeout}
        try:
            return _series(json.loads(self._remote.read(f"/api/v1/query_range?{urlencode(asked)}", most=_MOST_BYTES)))
        except RemoteError as error:
            raise PrometheusError(_reason(error)) from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise PrometheusError(f"What answers at {self._remote.address} is not Prometheus.") from None


def _series(answer: Any) -> list[Series]:
    return [Series(one["metric"], [_point(point) for point in one["values"]]) for one in answer["data"]["result"]]


def _point(point: tuple[float, str]) -> tuple[float, float | None]:
    value = float(point[1])
    return float(point[0]), value if math.isfinite(value) else None


def _reason(error: RemoteError) -> str:
    """What an error of Prometheus says: JSON with the key `error`, or anything if a proxy answers."""
    try:
        return f"Prometheus answered {error.status}: {json.loads(error.body)['error']}"
    except (ValueError, LookupError, TypeError):
        return str(error)
