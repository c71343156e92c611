"""Connections on which no request comes to an end."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

from celery_otel_api.head_deadline import MOST_BEHIND, MOST_HEAD, HeadDeadline


class Connection(asyncio.Transport):
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = asyncio.Event()

    def close(self) -> None:
        """Closes it."""
        self.closed.set()


class Impatient(HeadDeadline):
    """Waits for a moment only."""

    seconds = 0.02

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As uvicorn's protocols do."""
        self.transport = transport
        super().connection_made(transport)


def _closed(use: Callable[[Impatient], None], wait: float) -> bool:
    async def run() -> bool:
        connection, protocol = Connection(), Impatient()
        protocol.connection_made(connection)
        use(protocol)
        try:
            async with asyncio.timeout(wait):
                return await connection.closed.wait()
        except TimeoutError:
            return False

    return asyncio.run(run())


def test_a_connection_without_a_request_is_closed() -> None:
    """Whoever opens many of them gains nothing."""
    assert _closed(lambda protocol: None, 10)  # noqa: ARG005  # nothing is sent


def test_a_head_that_does_not_end_closes_the_connection() -> None:
    """However often a piece of it comes."""

    def drops(protocol: Impatient) -> None:
        for _ in range(3):
            protocol.data_received(b"G")

    assert _closed(drops, 10)


def test_a_request_in_progress_may_take_its_time() -> None:
    """Its answer may be a stream."""

    def begin(protocol: Impatient) -> None:
        protocol.cycle = SimpleNamespace(response_complete=False)
        protocol.data_received(b"GET / HTTP/1.1")

    assert not _closed(begin, 0.1)


def test_a_connection_that_is_lost_is_not_waited_for() -> None:
    """No timer outlives it."""
    assert not _closed(lambda protocol: protocol.connection_lost(None), 0.1)


PIECE = b"x" * 16_384


def _pieces(protocol: Impatient, size: int) -> None:
    for _ in range(size // len(PIECE)):
        protocol.data_received(PIECE)


class Patient(Impatient):
    """Closes nothing because of the time."""

    seconds = 3600.0


def _closed_by_size(use: Callable[[Impatient], None]) -> bool:
    async def run() -> bool:
        connection, protocol = Connection(), Patient()
        protocol.connection_made(connection)
        use(protocol)
        protocol.connection_lost(None)
        return connection.closed.is_set()

    return asyncio.run(run())


def test_a_head_that_is_too_large_closes_the_connection() -> None:
    """What has come of it would be kept; one that is large enough for any request is borne."""
    assert _closed_by_size(lambda protocol: _pieces(protocol, MOST_HEAD + len(PIECE)))
    assert not _closed_by_size(lambda protocol: _pieces(protocol, MOST_HEAD))


def test_what_comes_behind_a_request_is_bounded() -> None:
    """While a stream is open, too, which ends no head; each request begins to count anew."""

    def behind(size: int) -> Callable[[Impatient], None]:
        def use(protocol: Impatient) -> None:
            protocol.cycle = SimpleNamespace(response_complete=False)
            protocol.data_received(PIECE)
            _pieces(protocol, size)

        return use

    assert _closed_by_size(behind(MOST_BEHIND + len(PIECE)))
    assert not _closed_by_size(behind(MOST_BEHIND))


def test_small_requests_never_close_the_connection() -> None:
    """However many there are."""

    def many(protocol: Impatient) -> None:
        for _ in range(MOST_BEHIND // len(PIECE) + 1):
            protocol.cycle = SimpleNamespace(response_complete=False)
            protocol.data_received(PIECE)

    assert not _closed_by_size(many)
