"""The collector's metrics: read once for all who ask at the same time, in either of Prometheus' formats."""

from functools import partial

from celery_otel_api.keeper import Keeper
from celery_otel_api.remote import Remote, RemoteError

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPTION = "CELERY_OTEL_API_COLLECTOR_METRICS_URL"
MOST_BYTES = 64 * 1024 * 1024
TIMEOUT = 3.0
"""Seconds for the collector's answer."""
MAX_AGE = 1.0
"""Seconds for which a page is given out again."""
_END = "# EOF"


class CollectorPages:
    """The collector's page.

    Args:
        url: Its address.

    Attributes:
        reason: Why it could not be read when that was last tried; empty if it could, None if that was never tried.

    Raises:
        ConfigurationError: It is no address of HTTP.
    """

    def __init__(self, url: str) -> None:
        self.reason: str | None = None
        remotes = {
            openmetrics: Remote("The collector", url, option=OPTION, timeout=TIMEOUT, accept=accept)
            for openmetrics, accept in ((True, OPENMETRICS), (False, PLAIN))
        }
        self._late = remotes[False].error("its answer is late")
        self._pages = {
            openmetrics: Keeper(partial(_read, remote), "", interval=MAX_AGE, deadline=TIMEOUT)
            for openmetrics, remote in remotes.items()
        }

    @property
    def up(self) -> bool | None:
        """Whether it could be read when that was last tried; None if it never was."""
        return None if self.reason is None else not self.reason

    async def get(self, *, openmetrics: bool = False) -> str:
        """The page.

        Args:
            openmetrics: As OpenMetrics, which has exemplars, if the collector has that.

        Raises:
            RemoteError: It could not be read.
        """
        try:
            page = await self._newest(openmetrics=openmetrics)
        except RemoteError as error:
            self.reason = str(error)
            raise
        self.reason = ""
        return page

    async def _newest(self, *, openmetrics: bool) -> str:
        pages = self._pages[openmetrics]
        page = await pages.get()
        # What the keeper gives when its deadline is over may be of any age.
        if pages.age > MAX_AGE + TIMEOUT:
            raise self._late
        return page


def _read(remote: Remote) -> str:
    return remote.read(most=MOST_BYTES).decode(errors="replace")


def is_openmetrics(page: str) -> bool:
    """Whether a page is OpenMetrics: only there it has to say that it ends."""
    return page.rstrip().endswith(_END)
