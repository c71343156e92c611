"""A Prometheus that answers as the real one does, with series that are made up."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakePrometheus(ThreadingHTTPServer):
    """Answers `query_range`: with series for queries that hold a text, else with none.

    Attributes:
        known: Series by a text that is in the query.
        status: The HTTP status of all answers.
        asked: What was asked.
        authorizations: The headers that came.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.status = 200
        self.asked: list[dict[str, str]] = []
        self.authorizations: set[str | None] = set()

    @property
    def place(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_port}"

    def found(self, query: str) -> list[dict[str, Any]]:
        """The series of a query."""
        return next((series for text, series in self.known.items() if text in query), [])


class _Handler(BaseHTTPRequestHandler):
    server: FakePrometheus

    def do_GET(self) -> None:
        """Answers."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(asked)
        self.server.authorizations.add(self.headers["Authorization"])
        body = {"status": "success", "data": {"resultType": "matrix", "result": self.server.found(asked["query"])}}
        if self.server.status != 200:
            body = {"status": "error", "error": "parse error"}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def fake_prometheus() -> Iterator[FakePrometheus]:
    """Serves one."""
    with FakePrometheus() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
