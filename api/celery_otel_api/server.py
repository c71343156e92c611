"""uvicorn, with our service in it: it listens, says where, and ends in seconds when it is told to."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from celery import Celery

from celery_otel_api.application import application
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.head_deadline import HttpProtocol
from celery_otel_api.seldom_lines import SeldomLines
from celery_otel_api.settings import ApiSettings, option, variable

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"seldom": {"()": SeldomLines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["seldom"]}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for name in ("uvicorn", "celery_otel_api")
    },
}
"""Every line with its time: who revoked what, and when, is in this log."""

SECONDS_TO_END = 3
"""Seconds that requests and streams have to end, when the service is told to."""

_BACKLOG = 2048


class Server(uvicorn.Server):
    """A server whose end by a signal is a normal one: its exit status is 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends the service by SIGTERM and SIGINT."""
        with super().capture_signals():
            try:
                yield
            finally:
                # uvicorn would send them to the process once more, now with nobody to take them.
                self._captured_signals.clear()


def server(app: Celery, settings: ApiSettings) -> Server:
    """The server of an application's service.

    Raises:
        ConfigurationError: An option has a value that cannot be used, or everyone could do everything.
    """
    config = uvicorn.Config(
        application(app, settings),
        host=settings.host,
        port=settings.port,
        http=HttpProtocol,
        log_config=LOGGING,
        # Pages and Prometheus ask again and again. What changes something, or fails, is logged by itself.
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        # uvicorn would believe every program of this machine which address and scheme a request came by.
        proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
        timeout_graceful_shutdown=SECONDS_TO_END,
        ssl_certfile=settings.ssl_certfile or None,
        ssl_keyfile=settings.ssl_keyfile or None,
    )
    _load(config, settings)
    return Server(config)


def _load(config: uvicorn.Config, settings: ApiSettings) -> None:
    if settings.ssl_keyfile and not settings.ssl_certfile:
        raise ConfigurationError(f"{_both('ssl_keyfile')} needs {_both('ssl_certfile')} beside it.")
    try:
        config.load()
    except OSError as error:
        raise ConfigurationError(
            f"{_both('ssl_certfile')} {settings.ssl_certfile!r} and {_both('ssl_keyfile')} {settings.ssl_keyfile!r} "
            f"cannot be used: {error}. They are a certificate and its private key, in PEM."
        ) from None


def listening(settings: ApiSettings) -> socket.socket:
    """The socket of the service, which listens.

    Raises:
        ConfigurationError: The address is not this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigurationError(f"{_both('host')} {settings.host!r} is no address: {error}.") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{_both('port')} {settings.port} of {_both('host')} {settings.host!r} cannot be listened on: "
            f"{error.strerror}. Give another one, or end what has it."
        ) from None
    return listener


def address_of(listener: socket.socket, settings: ApiSettings) -> str:
    """Where the service is, as a browser takes it."""
    scheme = "https" if settings.ssl_certfile else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _both(name: str) -> str:
    return f"{option(name)} ({variable(name)})"
