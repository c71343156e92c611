"""Attacks the API over its socket: what is too large, too slow, not meant for it, or no HTTP at all."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

import httpx
import psutil

from celery_otel_pipeline.process import Process
from tests.attacks.verdict import Verdict

MEGABYTE = 1_000_000
#: What the service may grow by, in megabytes, and how long others may wait for an answer meanwhile, in seconds.
MEMORY, WAIT = 48.0, 5.0
BLOCK = b"x" * 65_536
#: Wrong tokens that one address may show in a minute.
BORNE = 10


class Api:
    """A running service.

    Args:
        process: Its process.
        address: Where it listens.
        token: One that it takes.
    """

    def __init__(self, process: Process, address: str, token: str) -> None:
        self.process = process
        self.url = httpx.URL(address)
        self.token = token

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection((self.url.host, self.url.port or 80), timeout=WAIT * 4)

    def asked(self, path: str = "/livez", **options: object) -> httpx.Response:
        """An answer."""
        method = str(options.pop("method", "GET"))
        url = self.url.join(path)
        return httpx.request(method, url, timeout=WAIT, **options)  # type: ignore[arg-type]  # httpx's own

    @property
    def memory(self) -> float:
        """Private memory in megabytes."""
        return psutil.Process(self.process.pid).memory_full_info().uss / MEGABYTE

    def hold(self, verdict: Verdict, before: float) -> Verdict:
        """Notes whether it still answers, has not grown, and has had no error that it did not expect."""
        grown = self.memory - before
        verdict.hold(self.asked().status_code == httpx.codes.OK, "it answers no more")
        verdict.hold(grown < MEMORY, f"it has grown by {grown:.0f} MB")
        verdict.hold("Traceback" not in self.process.log, f"there is a traceback: {self.process.log[-2000:]}")
        verdict.remarks.append(f"{grown:+.1f} MB")
        return verdict


def endless_head(api: Api, megabytes: int = 64) -> Verdict:
    """A request line, a header's name and a header's value that do not end."""
    verdict, before = Verdict("heads that do not end, in MB", 3 * megabytes), api.memory
    for begin in (b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "):
        with api.connect() as connection:
            taken = _poured(connection, begin, megabytes * MEGABYTE)
        verdict.hold(taken < megabytes * MEGABYTE, f"all of it was taken behind {begin!r}")
    return api.hold(verdict, before)


def behind_a_stream(api: Api, megabytes: int = 64) -> Verdict:
    """A head that does not end, behind a request whose answer is a stream."""
    verdict, before = Verdict("a head that does not end behind an open stream, in MB", megabytes), api.memory
    head = f"GET /api/v1/celery/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.token}\r\n\r\n"
    with api.connect() as connection:
        connection.sendall(head.encode())
        verdict.hold(connection.recv(100).startswith(b"HTTP/1.1 200"), "there is no stream")
        taken = _poured(connection, b"GET /", megabytes * MEGABYTE)
    verdict.hold(taken < megabytes * MEGABYTE, "all of it was taken")
    return api.hold(verdict, before)


def _poured(connection: socket.socket, begin: bytes, most: int) -> int:
    """How many bytes a connection takes before it is closed."""
    sent = 0
    with contextlib.suppress(OSError):
        connection.sendall(begin)
        while sent < most:
            connection.sendall(BLOCK)
            sent += len(BLOCK)
    return sent


def slow_clients(api: Api, number: int = 300) -> Verdict:
    """Connections that begin a request and do not go on, and one that asks meanwhile."""
    verdict, before = Verdict("clients that do not end their request", number), api.memory
    with ExitStack() as stack:
        connections = [stack.enter_context(api.connect()) for _ in range(number)]
        for count, connection in enumerate(connections):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: loc" if count % 2 else _body(b"{", 99))
        begin = time.monotonic()
        verdict.hold(api.asked().status_code == httpx.codes.OK, "others get no answer meanwhile")
        verdict.remarks.append(f"another one was answered after {time.monotonic() - begin:.2f} s")
        closed = sum(_ends(connection) for connection in connections)
        verdict.hold(closed == number, f"{number - closed} connections stay open")
    return api.hold(verdict, before)


def _ends(connection: socket.socket) -> bool:
    """Whether the service closes a connection."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def _body(content: bytes, length: int, *more: bytes) -> bytes:
    head = [b"POST /session HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *more]
    return b"\r\n".join([*head, b"Content-Length: %d" % length, b"", content])


def wrong_tokens(api: Api, number: int = 500) -> Verdict:
    """Wrong tokens, one after the other, and the right one between them."""
    verdict, before = Verdict("wrong tokens", number), api.memory
    lines = api.process.log.count("a token that is not valid")
    with httpx.Client(base_url=api.url, timeout=WAIT) as client:
        statuses = [_shown(client, f"wrong-{count}") for count in range(number)]
        right = _shown(client, api.token)
    refused = statuses.count(httpx.codes.UNAUTHORIZED)
    verdict.hold(refused <= 2 * BORNE, f"{refused} were looked at")
    verdict.hold(refused + statuses.count(httpx.codes.TOO_MANY_REQUESTS) == number, f"answers {set(statuses)}")
    verdict.hold(right == httpx.codes.OK, f"the right one is answered {right}")
    lines = api.process.log.count("a token that is not valid") - lines
    verdict.hold(lines <= 2 * BORNE, f"{lines} lines")
    verdict.remarks.append(f"{refused} times 401, then 429; the right one 200; {lines} lines")
    return api.hold(verdict, before)


def _shown(client: httpx.Client, token: str) -> int:
    return client.get("/api/v1/celery/workers/status", headers={"Authorization": f"Bearer {token}"}).status_code


def wrong_places(api: Api) -> Verdict:
    """Requests that name another host, or come from another site's page."""
    before = api.memory
    allowed = {"Authorization": f"Bearer {api.token}"}
    revoke = "/api/v1/celery/tasks/x/revoke"
    asked = {
        "another host": (400, api.asked(headers={"Host": "evil.example"})),
        "a host of control characters": (400, api.asked(headers={"Host": "a\tb"})),
        "another origin": (403, api.asked(revoke, method="POST", headers={**allowed, "Origin": "http://evil.example"})),
        "no origin": (403, api.asked(revoke, method="POST", headers={**allowed, "Origin": "null"})),
        "an origin that is none": (403, api.asked(revoke, method="POST", headers={**allowed, "Origin": "http://[x"})),
        "another site": (403, api.asked(revoke, method="POST", headers={**allowed, "Sec-Fetch-Site": "cross-site"})),
    }
    verdict = Verdict("requests for another host or of another site", len(asked))
    for name, (status, answer) in asked.items():
        verdict.hold(answer.status_code == status, f"{name}: {answer.status_code} instead of {status}")
    return api.hold(verdict, before)


def bodies(api: Api) -> Verdict:
    """Bodies that are bombs, or not what they say."""
    small = {
        "8000 lists deep": b"[" * 8000,
        "objects 2000 deep": b'{"token":' * 2000,
        "a number of 16 000 digits": b'{"token": %s}' % (b"9" * 16_000),
        "the same key 1000 times": b"{%s}" % b",".join([b'"token":"x"'] * 1000),
        "no UTF-8": b'{"token": "\xff\xfe"}',
        "half a surrogate pair": b'{"token": "\\ud800"}',
        "NaN": b'{"token": NaN}',
        "nothing": b"",
    }
    verdict, before = Verdict("bodies that are bombs", len(small) + 3), api.memory
    for name, content in small.items():
        answer = api.asked("/session", method="POST", content=content, headers={"Content-Type": "application/json"})
        verdict.hold(400 <= answer.status_code < 500, f"{name}: {answer.status_code}")
    large = api.asked("/session", method="POST", content=b"x" * MEGABYTE, headers={"Content-Type": "application/json"})
    verdict.hold(large.status_code == 413, f"a megabyte: {large.status_code}")
    for name, pieces in (("pieces without an end", _pieces()), ("two lengths", iter([_twofold()]))):
        with api.connect() as connection:
            verdict.hold(_refused(connection, pieces), f"{name}: not refused")
    return api.hold(verdict, before)


def _pieces() -> Iterator[bytes]:
    """A chunked body of 4 MB."""
    yield b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    yield b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(64):
        yield b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)


def _twofold() -> bytes:
    return _body(b"0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", 4, b"Transfer-Encoding: chunked")


def _refused(connection: socket.socket, pieces: Iterable[bytes]) -> bool:
    """Whether the first answer is a refusal, or the connection is closed without one."""
    with contextlib.suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
    try:
        answer = connection.recv(200)
    except ConnectionError:
        return True
    return not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def noise(api: Api, number: int = 200) -> Verdict:
    """What is no HTTP at all."""
    verdict, before = Verdict("connections that do not speak HTTP", number), api.memory
    lines = len(api.process.log.splitlines())
    for count in range(number):
        with api.connect() as connection, contextlib.suppress(ConnectionError):
            connection.sendall(bytes(range(256)) * (1 + count % 4) + b"\r\n\r\n")
            connection.recv(200)
    lines = len(api.process.log.splitlines()) - lines
    verdict.hold(lines < number, f"{lines} lines")
    verdict.remarks.append(f"{lines} lines")
    return api.hold(verdict, before)


ATTACKS: dict[str, Callable[[Api], Verdict]] = {
    "head": endless_head,
    "stream": behind_a_stream,
    "slow": slow_clients,
    "tokens": wrong_tokens,
    "places": wrong_places,
    "bodies": bodies,
    "noise": noise,
}
