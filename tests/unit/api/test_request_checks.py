"""Requests that never come to an end."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from celery_otel_api.problems import ProblemError
from celery_otel_api.request_checks import BodyDeadlineMiddleware


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  # ASGI's signature
    """Reads a body, and then waits for the end of the connection, as a stream does."""
    while (await receive()).get("more_body"):
        pass
    assert "http.disconnect" == (await receive())["type"]


async def nothing(message: Message) -> None:
    """Sends nowhere."""


def _answer(method: str, receive: Receive, seconds: float) -> None:
    middleware = BodyDeadlineMiddleware(read_all, seconds)
    asyncio.run(_within(middleware({"type": "http", "method": method}, receive, nothing)))


async def _within(answering: object) -> None:
    async with asyncio.timeout(10):
        await answering  # type: ignore[misc]  # a coroutine


def test_a_body_that_does_not_come_ends_the_request() -> None:
    """Also when it comes in drops: its end counts."""

    async def drops() -> Message:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(ProblemError) as caught:
        _answer("POST", drops, 0.05)
    assert 408 == caught.value.status


def test_behind_the_body_there_is_no_deadline() -> None:
    """A client may wait for its answer as long as it likes."""
    messages: list[Message] = [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}]

    async def late() -> Message:
        if len(messages) == 1:
            await asyncio.sleep(0.1)
        return messages.pop(0)

    _answer("POST", late, 0.05)
    assert [] == messages
