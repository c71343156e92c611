"""Another service is asked by HTTP, and gets its password alone."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.rabbitmq_management import ManagementError, RabbitMQManagement
from celery_otel_api.remote import Remote, RemoteError


class _Service(BaseHTTPRequestHandler):
    """Answers what its server was told to, and notes what it was asked."""

    server: "Service"

    def do_GET(self) -> None:  # the name that http.server calls
        """Answers."""
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class Service(HTTPServer):
    """A service that answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Service)
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.asked: list[tuple[str, str | None]] = []

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture
def service() -> Iterator[Service]:
    """A service."""
    with Service() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def remote(service: Service, path: str = "") -> Remote:
    """What reads from it, with a password."""
    return Remote("The service", f"http://me:se%40same@{service.place}{path}", option="OPTION", timeout=5)


def test_the_password_goes_to_the_service(service: Service) -> None:
    """Decoded, with the query of the address; what is shown has neither."""
    service.answer = (200, {}, b"body")
    assert b"body" == remote(service, "/metrics?name=x").read(most=4)
    assert [("/metrics?name=x", "Basic bWU6c2VAc2FtZQ==")] == service.asked
    assert f"http://{service.place}/metrics" == remote(service, "/metrics?name=x").address


def test_a_redirect_is_an_error(service: Service) -> None:
    """Where it leads would get the password."""
    service.answer = (302, {"Location": f"http://{service.place}/elsewhere"}, b"")
    with pytest.raises(RemoteError, match="HTTP 302"):
        remote(service).read(most=10)
    assert 1 == len(service.asked)


def test_an_answer_may_be_too_long(service: Service) -> None:
    """It is not kept."""
    service.answer = (200, {}, b"12345")
    with pytest.raises(RemoteError, match="longer than 4 bytes"):
        remote(service).read(most=4)


def test_an_address_has_to_be_of_http() -> None:
    """A file is none; the message does not repeat it."""
    with pytest.raises(ConfigurationError, match="OPTION cannot be used") as raised:
        Remote("The service", "file://me:sesame@host/etc/passwd", option="OPTION", timeout=1)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", "Check the user and password"),
        (403, b"", "tag `monitoring`"),
        (404, b"", "is the address of the management API"),
        (500, b"", "its plugin is enabled"),
        (200, b"<html>", "no list of queues"),
        (200, b"{}", "no list of queues"),
    ],
)
def test_the_management_api_says_what_to_do(service: Service, status: int, body: bytes, said: str) -> None:
    """Whatever goes wrong, and never with the password."""
    service.answer = (status, {}, body)
    with pytest.raises(ManagementError, match=said) as raised:
        RabbitMQManagement(f"http://me:sesame@{service.place}/api/", 5).queues("/")
    assert "sesame" not in str(raised.value)
    assert service.asked[0][0].startswith("/api/queues/%2F?columns=name,")


def test_a_queue_without_figures_is_not_known(service: Service) -> None:
    """It is younger than the next round in which they are gathered; one without messages has no rates but 0."""
    service.answer = (200, {}, b'[{"name": "new"}, {"name": "idle", "messages_unacknowledged": 0}]')
    found = RabbitMQManagement(f"http://{service.place}", 5).queues("/")
    assert found["new"].unacknowledged is None
    assert found["idle"].rates is not None
    assert (0, 0.0) == (found["idle"].unacknowledged, found["idle"].rates.published)
