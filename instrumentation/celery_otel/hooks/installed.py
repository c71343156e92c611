"""Puts things into Celery that are taken out again: each is a context manager, so that none is forgotten."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def connected(signal: Any, receiver: Callable[..., Any]) -> Iterator[None]:
    """Connects a receiver to a signal of Celery."""
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@contextmanager
def connected_first(signal: Any, receiver: Callable[..., Any]) -> Iterator[None]:
    """Connects a receiver to a signal of Celery, before all that are connected already."""
    with connected(signal, receiver):
        with signal.lock:
            # The list itself is kept: Celery's tracers hold on to it.
            signal.receivers.insert(0, signal.receivers.pop())
            signal.sender_receivers_cache.clear()
        yield


@contextmanager
def patched(module: Any, name: str, value: Any) -> Iterator[None]:
    """Replaces an attribute of a module."""
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        # Somebody who has patched on top of ours keeps what they have.
        if getattr(module, name) is value:
            setattr(module, name, original)


@contextmanager
def stepped(steps: set[Any], step: type[Any]) -> Iterator[None]:
    """Adds a step to a blueprint of the application."""
    steps.add(step)
    try:
        yield
    finally:
        steps.discard(step)
