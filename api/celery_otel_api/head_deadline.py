"""Ends connections that begin a request and never finish its head: uvicorn itself would wait for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

SECONDS = 10.0
"""Seconds from a connection's beginning, or from the first byte of its next request, to the end of that one's head."""


class HeadDeadline(asyncio.Protocol):
    """Added to one of uvicorn's protocols: it closes the connection when the head of a request is late.

    Attributes:
        seconds: How long it waits.
        cycle: The request in progress, or the last one; uvicorn's.
        transport: The connection; uvicorn's.
    """

    seconds = SECONDS
    cycle: Any = None
    transport: asyncio.BaseTransport
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Goes on waiting, unless a request is in progress now."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._late = asyncio.get_running_loop().call_later(self.seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


HttpProtocol: type[asyncio.Protocol] = type("HttpProtocol", (HeadDeadline, AutoHTTPProtocol), {})
"""uvicorn's protocol, httptools' or h11's, with the deadline."""
