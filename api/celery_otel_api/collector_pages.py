"""The collector's metrics: read once for all who ask at the same time, in either of Prometheus' formats."""

from functools import partial

from celery_otel_api.fetching import Fetched, FetchError, fetch
from celery_otel_api.shared import Shared

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TIMEOUT = 3.0
"""Seconds for the collector's answer."""
MAX_AGE = 1.0
"""Seconds for which a page is given out again."""


def is_openmetrics(content_type: str) -> bool:
    """Whether a content type, or what somebody accepts, says OpenMetrics."""
    return "application/openmetrics-text" in content_type


class CollectorPages:
    """The collector's page.

    Args:
        url: Its address.
        timeout: Seconds for the answer.

    Attributes:
        reason: Why it could not be read when that was last tried; empty if it could, None if that was never tried.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.reason: str | None = None
        self._shared = {
            openmetrics: Shared(partial(fetch, url, timeout=timeout, accept=accept), MAX_AGE)
            for openmetrics, accept in ((True, OPENMETRICS), (False, PLAIN))
        }

    @property
    def up(self) -> bool | None:
        """Whether it could be read when that was last tried; None if it never was."""
        return None if self.reason is None else not self.reason

    async def get(self, *, openmetrics: bool = False) -> Fetched:
        """The page.

        Args:
            openmetrics: As OpenMetrics, which has exemplars, if the collector has that.

        Raises:
            FetchError: It could not be read.
        """
        try:
            page = await self._shared[openmetrics].get()
        except FetchError as error:
            self.reason = str(error)
            raise
        self.reason = ""
        return page
