"""Puts things into Celery that are taken out again: each is a context manager, so that none is forgotten."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
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
def overridden(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replaces a method of one object."""
    missing = object()
    original = vars(owner).get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        # Somebody who has overridden on top of ours keeps what they have.
        if vars(owner).get(name) is value:
            delattr(owner, name)
            if original is not missing:
                setattr(owner, name, original)


class Shared:
    """Something that is put in once, for all who need it, and taken out with the last of them.

    Args:
        install: Makes the context manager that puts it in.
    """

    def __init__(self, install: Callable[[], AbstractContextManager[Any]]) -> None:
        self._install = install
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._users = 0

    @contextmanager
    def used(self) -> Iterator[None]:
        """Needs it."""
        with self._lock:
            if self._users == 0:
                self._stack.enter_context(self._install())
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._stack.close()


@contextmanager
def stepped(steps: set[Any], step: type[Any]) -> Iterator[None]:
    """Adds a step to a blueprint of the application."""
    steps.add(step)
    try:
        yield
    finally:
        steps.discard(step)


@contextmanager
def surrounded(instance: Any, name: str, around: Callable[..., Any]) -> Iterator[None]:
    """Puts a function around a method of one object, whatever its class: it gets the original first."""
    original, before = getattr(instance, name), vars(instance).get(name)

    @wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    setattr(instance, name, method)
    try:
        yield
    finally:
        if vars(instance).get(name) is method:
            _restore(instance, name, before)


def _restore(instance: Any, name: str, before: Any) -> None:
    if before is None:
        delattr(instance, name)
    else:
        setattr(instance, name, before)
