"""Asks Prometheus for series over a time. It blocks: callers do so in a thread."""

import base64
import http.client
import json
import math
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from celery_otel.broker import said
from celery_otel_api.errors import ApiError

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


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One Prometheus.

    Attributes:
        url: Its address, with user and password if it wants them.
        timeout: Seconds that it may take for each step of an answer.
    """

    url: str
    timeout: float

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
        parameters = urlencode({"query": query, "start": start, "end": end, "step": step, "timeout": self.timeout})
        try:
            with urllib.request.urlopen(self._request(parameters), timeout=self.timeout) as answer:  # noqa: S310  # checked
                return _series(json.loads(answer.read(_MOST_BYTES)))
        except urllib.error.HTTPError as error:
            raise PrometheusError(f"Prometheus answered {error.code}: {_reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            raise PrometheusError(f"Prometheus at {self._host} does not answer: {said(error)}.") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise PrometheusError(f"What answers at {self._host} is not Prometheus.") from None

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def _request(self, parameters: str) -> urllib.request.Request:
        address = urlsplit(self.url)
        if address.scheme not in {"http", "https"}:
            raise PrometheusError("CELERY_OTEL_API_PROMETHEUS_URL has to begin with http:// or https://.")
        path = f"{address.path.rstrip('/')}/api/v1/query_range"
        url = urlunsplit((address.scheme, self._host, path, parameters, ""))
        request = urllib.request.Request(url)  # noqa: S310  # the scheme is checked above
        if address.username is not None:
            known = f"{unquote(address.username)}:{unquote(address.password or '')}".encode()
            request.add_header("Authorization", f"Basic {base64.b64encode(known).decode()}")
        return request


def _series(answer: Any) -> list[Series]:
    return [Series(one["metric"], [_point(point) for point in one["values"]]) for one in answer["data"]["result"]]


def _point(point: tuple[float, str]) -> tuple[float, float | None]:
    value = float(point[1])
    return float(point[0]), value if math.isfinite(value) else None


def _reason(error: urllib.error.HTTPError) -> str:
    """What an error of Prometheus says: JSON with the key `error`, or anything if a proxy answers."""
    try:
        return str(json.loads(error.read(_MOST_BYTES))["error"])
    except (ValueError, LookupError, TypeError, OSError):
        return str(error.reason)
