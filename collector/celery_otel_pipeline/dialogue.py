"""One question over a plain TCP connection, as health checks of brokers need it."""

import socket

from celery_otel_pipeline.ports import LOOPBACK

_TIMEOUT = 2.0


def replies(port: int, question: bytes, expected: bytes) -> bool:
    """Whether a server on loopback begins its reply to a question as expected; being silent or away is a no."""
    try:
        return _ask(port, question, len(expected)) == expected
    except OSError:
        return False


def _ask(port: int, question: bytes, length: int) -> bytes:
    with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT) as connection:
        connection.sendall(question)
        return connection.recv(length, socket.MSG_WAITALL)
