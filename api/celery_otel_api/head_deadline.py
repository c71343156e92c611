"""Ends connections that never finish the head of a request: uvicorn itself would wait for ever, and keep all of it."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

SECONDS = 10.0
"""Seconds from a connection's beginning, or from the first byte of its next request, to the end of that one's head."""
MOST_HEAD = 64 * 1024
"""Bytes of a head, but for the piece that ends it."""
MOST_BEHIND = 1024 * 1024
"""Bytes that may come behind a head while its request is in progress: its body, and requests that do not wait."""


class HeadDeadline(asyncio.Protocol):
    """Added to one of uvicorn's protocols: it closes the connection when the head of a request is late, or too large.

    Attributes:
        seconds: How long it waits.
        cycle: The request in progress, or the last one; uvicorn's.
        transport: The connection; uvicorn's.
    """

    seconds = SECONDS
    cycle: Any = None
    transport: asyncio.BaseTransport
    _late: asyncio.TimerHandle | None = None
    _begun: Any = None
    _size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Goes on waiting, unless a request is in progress now."""
        super().data_received(data)
        busy = self.cycle is not None and not self.cycle.response_complete
        if self._grown(len(data)) > (MOST_BEHIND if busy else MOST_HEAD):
            self.transport.close()
        elif busy:
            self._stop_waiting()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _grown(self, number: int) -> int:
        """How many bytes have come since the last head was complete."""
        self._size = self._size + number if self.cycle is self._begun else 0
        self._begun = self.cycle
        return self._size

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
