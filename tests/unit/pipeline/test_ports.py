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

    assert str([False] * 50) == _said(other, *map(str, ports))


THREADS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from celery_otel_pipeline.ports import free_port

together = Barrier(8)

def ask(_):
    together.wait()
    return free_port()

with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(ask, range(8)))))
"""


def test_ports_of_threads_are_never_the_same() -> None:
    """Threads that ask at the same time, the first of all among them, each get a port of their own."""
    assert "8" == _said(THREADS)


def _said(program: str, *arguments: str) -> str:
    """What a program prints, in a process that has asked for no port yet."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.strip()


def test_port_can_be_listened_on() -> None:
    """A server can bind the port that was handed out."""
    with socket.create_server((LOOPBACK, free_port())) as server:
        assert server.getsockname()[0] == LOOPBACK


def test_port_is_below_those_of_outgoing_connections() -> None:
    """No client's connection can take a server's port while the server restarts."""
    assert all(port < 32_768 for port in (free_port() for _ in range(200)))
