"""Threads for the result backend: bounded, and no hindrance to the end of the process."""

import asyncio
import subprocess
import sys
import threading

import pytest

from celery_otel_api.result_readers import ResultReaders, TooManyReadersError

HANGS = """
import asyncio, socket
from functools import partial
from celery import Celery
from celery_otel_api.result_readers import ResultReaders
from celery_otel_api.results import stored

silent = socket.create_server(("127.0.0.1", 0))
accepted = []
app = Celery("unit", broker="memory://", backend=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

async def main():
    reading = asyncio.ensure_future(ResultReaders().read(partial(stored, app, "t")))
    # The thread is in the midst of its reading.
    accepted.append(await asyncio.to_thread(silent.accept))
    print("done" if reading.done() else "hangs", flush=True)

asyncio.run(main())
"""
"""Reads a result backend that accepts connections and says nothing; its client waits for two minutes."""


def test_a_reading_gives_what_it_finds() -> None:
    """Its value or its error."""

    async def read() -> int:
        readers = ResultReaders()
        value = await readers.read(lambda: 7)
        with pytest.raises(ValueError, match="unreadable"):
            await readers.read(lambda: int("unreadable"))
        readers.close()
        return value

    assert 7 == asyncio.run(read())


def test_when_too_many_wait_the_next_is_told_at_once() -> None:
    """Instead of a queue that grows for as long as the result backend hangs."""
    began, gate = threading.Event(), threading.Event()

    def held() -> bool:
        began.set()
        return gate.wait(30)

    async def read() -> int:
        readers = ResultReaders(threads=1, waiting=1)
        first = asyncio.ensure_future(readers.read(held))
        assert await asyncio.to_thread(began.wait, 30)
        second = asyncio.ensure_future(readers.read(lambda: 2))
        await asyncio.sleep(0)
        with pytest.raises(TooManyReadersError, match="does not answer"):
            await readers.read(lambda: 3)
        gate.set()
        await first
        readers.close()
        return await second

    assert 2 == asyncio.run(read())


def test_threads_end_when_the_readers_are_closed() -> None:
    """A mounted service that is closed leaves none behind."""

    async def read() -> threading.Thread:
        readers = ResultReaders()
        thread = await readers.read(threading.current_thread)
        readers.close()
        return thread

    thread = asyncio.run(read())
    thread.join(30)
    assert not thread.is_alive()


def test_a_result_backend_that_hangs_does_not_keep_the_process() -> None:
    """It ends in seconds, although a thread waits for a result backend that accepted and says nothing."""
    found = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "hangs\n") == (found.returncode, found.stdout), found.stderr
