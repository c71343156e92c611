"""Many callers at once cost the workers no more than one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import httpx

from celery_otel.inspection import ARGUMENT
from celery_otel_pipeline.polling import wait_until
from tests.integration.api.conftest import API, Scene

AT_ONCE = 100


class Listener:
    """A node of the scene's remote control that answers nothing, and keeps what the workers are asked.

    Args:
        scene: Whose.
    """

    def __init__(self, scene: Scene) -> None:
        self.asked: list[str] = []
        self._app = scene.client

    def hear(self, mark: str) -> None:
        """Waits until a message arrives: what was sent before it has arrived then, as messages keep their order."""

        def heard() -> bool:
            self._app.control.broadcast("ping", arguments={"mark": mark})
            return mark in self.asked

        wait_until(heard, deadline=20, message=f"the message {mark} does not arrive")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens meanwhile."""
        ended = Event()
        with self._app.connection_for_read() as connection:
            node = self._app.control.mailbox(connection).Node("listener@test", channel=connection.default_channel)
            consumer = node.listen(callback=self._note)
            thread = Thread(target=self._drain, args=(connection, ended))
            thread.start()
            try:
                yield
            finally:
                ended.set()
                thread.join(10)
                consumer.cancel()

    def _note(self, body: dict[str, Any], _message: object) -> None:
        arguments = body["arguments"]
        self.asked.append("report" if ARGUMENT in arguments else str(arguments.get("mark")))

    def _drain(self, connection: Any, ended: Event) -> None:
        while not ended.is_set():
            try:
                connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue


async def _ask_at_once(base: httpx.URL) -> list[str]:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client:
        answers = await asyncio.gather(*(client.get(f"{API}/tasks/status") for _ in range(AT_ONCE)))
    return [str(answer.json()["timestamp"]) for answer in answers if answer.status_code == httpx.codes.OK]


def test_a_hundred_at_once_cause_one_broadcast(scene: Scene) -> None:
    """Whoever asks for the tasks at the same time gets what the worker was asked for once."""
    scene.worker()
    listener = Listener(scene)
    # None of them asks for a second one, however slow the machine is.
    with listener.listening(), scene.service(refresh_interval=60.0) as service:
        listener.hear("begin")
        found = asyncio.run(_ask_at_once(service.client.base_url))
        listener.hear("end")
    assert AT_ONCE == len(found)
    assert 1 == len(set(found))
    assert 1 == listener.asked.count("report")
