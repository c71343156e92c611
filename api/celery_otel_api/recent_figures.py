"""What became of attempts in the last minutes, as Prometheus knows it: one query for all figures."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from celery_otel_api.keeper import Keeper
from celery_otel_api.prometheus import OPTION
from celery_otel_api.remote import Remote, RemoteError

WINDOW = 300
"""The last seconds that the figures are about: the 5m of the queries."""
TIMEOUT = 3.0
"""Seconds for Prometheus' answer."""
MAX_AGE = 5.0
"""Seconds for which figures are given out again."""
NOT_SET = f"{OPTION} is not set."
NOT_ASKED = "Prometheus has not answered yet."
NO_SERIES = "Prometheus has no series of tasks of the last 5 minutes: see that it scrapes the collector."
_MOST_BYTES = 1024 * 1024

_TASKS = "sum(increase(celery_task_total{status=~'%s'}[5m]))"
_QUANTILE = "histogram_quantile(%s, sum by (le) (rate(celery_task_duration_seconds_bucket[5m])))"
_FIGURES = {
    "ended": _TASKS % ".+",
    "successes": _TASKS % "success",
    "failures": _TASKS % "failure",
    "retries": _TASKS % "retry",
    "p50": _QUANTILE % 0.5,
    "p95": _QUANTILE % 0.95,
    "p99": _QUANTILE % 0.99,
}
QUERY = " or ".join(f"label_replace({query}, 'figure', '{name}', '', '')" for name, query in _FIGURES.items())


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures; None for what is not known.

    Attributes:
        values: By name: attempts that `ended`, `successes`, `failures`, `retries`, and durations `p50`, `p95`, `p99`.
        reason: Why nothing is known; empty if something is.
    """

    values: Mapping[str, float | None]
    reason: str = ""

    def get(self, name: str) -> float | None:
        """A figure."""
        return self.values.get(name)

    @property
    def success_ratio(self) -> float | None:
        """Successes among the attempts that ended; None if none did."""
        ended, successes = self.get("ended"), self.get("successes")
        # Each is extrapolated by itself.
        return min(1.0, successes / ended) if ended and successes is not None else None


class RecentFigures:
    """Asks Prometheus, once for all who want to know at the same time.

    Args:
        url: Where Prometheus is; empty if it is not known.

    Raises:
        ConfigurationError: It is no address of HTTP.
    """

    def __init__(self, url: str) -> None:
        self._keeper: Keeper[Figures] | None = None
        if url:
            ask = partial(figures_of, Remote("Prometheus", url, option=OPTION, timeout=TIMEOUT))
            self._keeper = Keeper(ask, Figures({}, NOT_ASKED), interval=MAX_AGE, deadline=TIMEOUT)

    async def get(self) -> Figures:
        """The figures, or why there are none."""
        return Figures({}, NOT_SET) if self._keeper is None else await self._keeper.get()


def figures_of(prometheus: Remote) -> Figures:
    """The figures that Prometheus has now, or why there are none."""
    query = urlencode({"query": QUERY, "timeout": f"{TIMEOUT:g}s"})
    try:
        values = _values(json.loads(prometheus.read(f"/api/v1/query?{query}", most=_MOST_BYTES)))
    except RemoteError as error:
        return Figures({}, str(error))
    except (LookupError, TypeError, ValueError):
        return Figures({}, f"What answers at {OPTION} is not Prometheus.")
    return Figures(values, NO_SERIES if set(values.values()) == {None} else "")


def _values(answer: Any) -> dict[str, float | None]:
    found = {one["metric"]["figure"]: float(one["value"][1]) for one in answer["data"]["result"]}
    return {name: found[name] if math.isfinite(found.get(name, math.nan)) else None for name in _FIGURES}
