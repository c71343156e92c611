"""A webhook that keeps every notification that Alertmanager sends."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from celery_otel_pipeline.ports import LOOPBACK


@dataclass(frozen=True)
class Notification:
    """One alert as a receiver was told of it.

    Attributes:
        receiver: The receiver's name in Alertmanager's configuration.
        status: firing or resolved.
        labels: The alert's.
        annotations: The alert's.
        at: When it came, in seconds of the monotonic clock.
    """

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    at: float

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels["alertname"]


class NotificationReceiver:
    """An HTTP server on loopback that takes what webhooks post."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Notification] = []
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="notifications")

    @property
    def url(self) -> str:
        """Where webhooks post to, each behind its receiver's name."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def take(self, body: Mapping[str, Any]) -> None:
        """Keep what one post says."""
        now = time.monotonic()
        found = [
            Notification(body["receiver"], alert["status"], alert["labels"], alert["annotations"], now)
            for alert in body["alerts"]
        ]
        with self._lock:
            self._kept += found

    def since(self, moment: float) -> list[Notification]:
        """What came since a moment of the monotonic clock, in the order in which it came."""
        with self._lock:
            return [notification for notification in self._kept if notification.at >= moment]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(receiver: NotificationReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            """Keep the body and say yes."""
            receiver.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
