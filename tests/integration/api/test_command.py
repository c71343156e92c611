"""The real process: how it starts, what it says when it cannot, and how it ends."""

import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import free_port
from tests.integration.api.started import address_of, application_module, service_process

AWAY = "redis://127.0.0.1:1/0"
"""A broker that is not there."""


@pytest.fixture
def module(tmp_path: Path) -> str:
    """An application whose broker is away: the service starts all the same."""
    return application_module(tmp_path, AWAY)


def test_it_says_where_it_listens_and_ends_by_sigterm(tmp_path: Path, module: str) -> None:
    """With exit status 0."""
    with service_process(tmp_path, ["-A", module, "--port", "0"]) as process:
        address = address_of(process)
        assert 200 == httpx.get(f"{address}/openapi.json").status_code
        process.signal(signal.SIGTERM)
        assert 0 == process.wait(20), process.log_tail


def test_it_ends_although_a_request_is_open(tmp_path: Path, module: str) -> None:
    """A client that sends its body slowly does not keep it."""
    with service_process(tmp_path, ["-A", module, "--port", "0"]) as process:
        url = httpx.URL(address_of(process))
        with socket.create_connection((url.host, url.port or 0)) as client:
            head = (
                b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
            )
            client.sendall(head + b"Expect: 100-continue\r\n\r\n")
            # The service asks for the body: it is in the middle of the request.
            assert client.recv(100).startswith(b"HTTP/1.1 100")
            process.signal(signal.SIGTERM)
            assert 0 == process.wait(20), process.log_tail


def test_it_ends_although_the_result_backend_hangs(tmp_path: Path, module: str) -> None:
    """One that accepts connections and says nothing, in the midst of a reading, does not keep it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"CELERY_RESULT_BACKEND": f"redis://127.0.0.1:{silent.getsockname()[1]}/0"}
        arguments = ["-A", module, "--port", "0", "--deadline", "1"]
        with service_process(tmp_path, arguments, env) as process:
            state = httpx.get(f"{address_of(process)}/api/v1/celery/tasks/t/status", timeout=30).json()
            process.signal(signal.SIGTERM)
            assert 0 == process.wait(20), process.log_tail
    assert "The result backend did not answer in time." == state["result_backend"]["reason"]


def test_variables_say_what_options_say(tmp_path: Path, module: str) -> None:
    """And an option overrules its variable."""
    port = free_port()
    env = {"APP": module, "CELERY_OTEL_API_PORT": "1", "CELERY_OTEL_API_HOST": "127.0.0.2"}
    with service_process(tmp_path, ["--port", str(port)], env) as process:
        assert f"http://127.0.0.2:{port}" == address_of(process)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-A", "no_such_app"], "--app 'no_such_app' cannot be loaded"),
        (["-A", "shop_of_test", "--host", "0.0.0.0"], "there are no tokens"),  # noqa: S104  # what is to be refused
        (["-A", "shop_of_test", "--ssl-certfile", "missing.pem"], "--ssl-certfile"),
        (["-A", "shop_of_test", "--token-file", "missing"], "--token-file"),
    ],
)
@pytest.mark.usefixtures("module")
def test_it_does_not_start_with_what_cannot_be_used(tmp_path: Path, arguments: list[str], said: str) -> None:
    """One error names the option; there is no traceback."""
    with service_process(tmp_path, [*arguments, "--port", "0"]) as process:
        assert 2 == process.wait(30)
        assert (True, False) == (said in process.log, "Traceback" in process.log), process.log_tail


def test_a_port_that_is_taken_ends_the_start(tmp_path: Path, module: str) -> None:
    """The error names the option."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with service_process(tmp_path, ["-A", module, "--port", str(port)]) as process:
            assert 2 == process.wait(30)
            assert f"--port (CELERY_OTEL_API_PORT) {port}" in process.log


def test_it_speaks_tls(tmp_path: Path, module: str) -> None:
    """With uvicorn's certificate and key; the session's cookie is Secure then."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    # What every Debian has.
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    argv += ["-addext", "subjectAltName=DNS:localhost", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(argv, check=True, capture_output=True)
    secret, line = _token(tmp_path)
    arguments = ["-A", module, "--port", "0", "--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)]
    with service_process(tmp_path, arguments, {"CELERY_OTEL_API_TOKENS": line}) as process:
        address = address_of(process).replace("127.0.0.1", "localhost")
        context = ssl.create_default_context(cafile=str(certificate))
        answer = httpx.post(f"{address}/session", json={"token": secret}, verify=context)
    assert (True, True) == (address.startswith("https:"), "; Secure" in answer.headers["set-cookie"])


def test_a_token_of_the_command_opens_the_service(tmp_path: Path, module: str) -> None:
    """And no other; neither is in the log."""
    secret, line = _token(tmp_path)
    (tmp_path / "tokens").write_text(line, encoding="utf-8")
    with service_process(tmp_path, ["-A", module, "--port", "0", "--token-file", "tokens"]) as process:
        address = address_of(process)
        names = [
            httpx.get(f"{address}/session", headers={"Authorization": f"Bearer {shown}"}).json().get("name")
            for shown in (secret, "wrong")
        ]
        wait_until(lambda: "a token that is not valid" in process.log, deadline=10, message="nothing is logged")
        assert (["ann", None], False) == (names, secret in process.log)
        # Every line of the log says when.
        line = r"^\d{4}-\d\d-\d\d [\d:,]+ WARNING celery_otel_api\S*: 127.0.0.1 has shown"
        assert re.search(line, process.log, re.MULTILINE)


def _token(directory: Path) -> tuple[str, str]:
    """A token, and its line, as the command prints them."""
    argv = [sys.executable, "-m", "celery_otel_api", "token", "--name", "ann", "--scope", "read"]
    printed = subprocess.run(argv, cwd=directory, check=True, capture_output=True, text=True).stdout
    secret, line = (row.rpartition(" ")[2] for row in printed.splitlines())
    return secret, line
