"""A web server that really fails now and then: exactly as often as its script says.

It keeps a record of the requests it got, so that the driver knows how many attempts there were without
asking Celery.
"""

from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Literal, Self

LOOPBACK = "127.0.0.1"
Answer = Literal["ok", "unavailable", "busy", "missing", "hang_up"]
STATUS = {
    "ok": HTTPStatus.OK,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "busy": HTTPStatus.TOO_MANY_REQUESTS,
    "missing": HTTPStatus.NOT_FOUND,
}
PAGE = "The server answered this time. It fails exactly as often as it was told to, and no more.\n"


class UnreliableServer:
    """Serves a page; fails first where the script says so.

    Args:
        listen: Address and port to listen on; by default a free port on loopback.
        host: By which name it is reached there.

    Attributes:
        requests: How many requests came for each path.
        url: Its address, without a path.
    """

    def __init__(self, *, listen: tuple[str, int] = (LOOPBACK, 0), host: str = LOOPBACK) -> None:
        self.requests: Counter[str] = Counter()
        self._script: Mapping[str, tuple[Answer, ...]] = {}
        self._lock = Lock()
        self._server = ThreadingHTTPServer(listen, self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://{host}:{self._server.server_port}"

    def follow(self, script: Mapping[str, tuple[Answer, ...]]) -> None:
        """Take the answers to give: for each path those of the first requests, then always "ok"."""
        self._script = script

    def answer(self, path: str) -> Answer:
        """Record a request and return the answer that it gets."""
        with self._lock:
            self.requests[path] += 1
            number = self.requests[path]
        answers = self._script.get(path, ())
        return answers[number - 1] if number <= len(answers) else "ok"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        """Return the class whose objects answer one connection each, bound to this server."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = outer.answer(self.path)
                if answer != "hang_up":
                    self._reply(answer)

            def _reply(self, answer: Answer) -> None:
                content = PAGE.encode()
                self.send_response(STATUS[answer])
                self.send_header("Content-Length", str(len(content)))
                if answer == "busy":
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
                """Write nothing: the record of requests is what counts."""

        return Handler
