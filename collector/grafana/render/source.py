"""The Prometheus that is asked, over HTTP."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

_TIMEOUT = 30.0


@dataclass(frozen=True)
class Line:
    """A series over time.

    Attributes:
        labels: Its labels.
        points: Pairs of seconds since 1970 and value.
    """

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Source:
    """A Prometheus.

    Attributes:
        url: Its address.
        start: The beginning of what is asked for, in seconds since 1970.
        end: Its end.
        step: Seconds from one point to the next.
    """

    url: str
    start: float
    end: float
    step: float

    def over_time(self, expression: str) -> list[Line]:
        """Return the series of an expression.

        Raises:
            HTTPError: Prometheus does not accept the expression.
            URLError: It does not answer.
        """
        query = {"query": expression, "start": self.start, "end": self.end, "step": self.step}
        return [_line(entry["metric"], entry["values"]) for entry in self._asked("query_range", query)["result"]]

    def now(self, expression: str) -> list[Line]:
        """Return the values of an expression at the end, each as a line of one point; raises as `over_time` does."""
        found = self._asked("query", {"query": expression, "time": self.end})["result"]
        return [_line(entry["metric"], [entry["value"]]) for entry in found]

    def label_values(self, selector: str, label: str) -> list[str]:
        """Return the values that a label has in the series of a selector; raises as `over_time` does."""
        query = {"match[]": selector, "start": self.start, "end": self.end}
        found: list[str] = self._asked(f"label/{label}/values", query, method="GET")
        return found

    def exemplars(self, expression: str) -> list[tuple[float, float]]:
        """Return when single observations were made, and how large they were; raises as `over_time` does."""
        query = {"query": expression, "start": self.start, "end": self.end}
        entries = self._asked("query_exemplars", query)
        return [(float(one["timestamp"]), float(one["value"])) for entry in entries for one in entry["exemplars"]]

    def _asked(self, question: str, query: Mapping[str, object], method: str = "POST") -> Any:
        address, body = f"{self.url}/api/v1/{question}", urlencode(query)
        asked = Request(f"{address}?{body}") if method == "GET" else Request(address, body.encode())  # noqa: S310
        with urlopen(asked, timeout=_TIMEOUT) as answer:  # noqa: S310 - the caller's own server
            return json.loads(answer.read())["data"]


def _line(labels: Mapping[str, str], points: Sequence[tuple[float, str]]) -> Line:
    return Line(labels, [(float(at), float(value)) for at, value in points])
