"""Questions in PromQL to whatever answers as Prometheus does."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from celery_otel_pipeline.fetching import fetch
from celery_otel_pipeline.samples import Exemplar, Sample, Series, parse_exemplars, parse_samples, parse_series


class PromqlApi(ABC):
    """The part of Prometheus's HTTP API that answers questions."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that `/api/v1` follows."""

    def query(self, expr: str) -> list[Sample]:
        """Return the value of a PromQL expression now.

        Raises:
            FetchError: The expression is not accepted.
        """
        return parse_samples(self._ask(expr))

    def series(self, selector: str, *, window: str = "1h") -> list[Series]:
        """Return the raw samples of the selected series within the last `window`.

        Raises:
            FetchError: The selector is not accepted.
        """
        return parse_series(self._ask(f"{selector}[{window}]"))

    def exemplars(self, expr: str, *, window: float = 3600) -> list[Exemplar]:
        """Return the exemplars of the series in a PromQL expression, of the last `window` seconds.

        Raises:
            FetchError: The expression is not accepted.
        """
        now = time.time()
        query = {"query": expr, "start": now - window, "end": now + 60}
        return parse_exemplars(self._get("query_exemplars", query))

    def _ask(self, expr: str) -> dict[str, Any]:
        data: dict[str, Any] = self._get("query", {"query": expr})
        return data

    def _get(self, question: str, query: Mapping[str, Any]) -> Any:
        return json.loads(fetch(f"{self.url}/api/v1/{question}?{urlencode(query)}"))["data"]
