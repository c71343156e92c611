"""Free ports."""

import os
import socket
import subprocess
import sys

from celery_otel_pipeline.ports import LOOPBACK, free_port


def test_ports_are_never_the_same() -> None:
    """Two servers of one program never get the same port, though neither listens yet."""
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == 200


def test_ports_of_two_programs_are_never_the_same() -> None:
    """A port that one process was given, and does not listen on yet, is given to no other process of the machine."""
    ports = [free_port() for _ in range(50)]
    other = (
        "import sys; from celery_otel_pipeline import ports; print([ports._can_claim(int(p)) for p in sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", other, *map(str, ports)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )

    assert str([False] * 50) == done.stdout.strip()


def test_port_can_be_listened_on() -> None:
    """A server can bind the port that was handed out."""
    with socket.create_server((LOOPBACK, free_port())) as server:
        assert server.getsockname()[0] == LOOPBACK


def test_port_is_below_those_of_outgoing_connections() -> None:
    """No client's connection can take a server's port while the server restarts."""
    assert all(port < 32_768 for port in (free_port() for _ in range(200)))
