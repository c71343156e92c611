"""Result backends as bad as they come."""

import threading

from celery.backends.base import KeyValueStoreBackend

gate = threading.Event()
"""Opens when a backend that hangs may answer."""


class HangingBackend(KeyValueStoreBackend):
    """Does not answer."""

    def get(self, key: bytes) -> None:  # noqa: ARG002  # Celery's signature
        """Waits for the gate."""
        gate.wait(30)


class RefusingBackend(KeyValueStoreBackend):
    """Fails, with an error that has a password in its text."""

    def get(self, key: bytes) -> None:  # noqa: ARG002  # Celery's signature
        """Fails."""
        raise RuntimeError("no connection to db://user:hush@host")
