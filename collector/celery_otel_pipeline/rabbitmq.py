"""A RabbitMQ server as Celery's broker."""

import shutil
from pathlib import Path

from celery_otel_pipeline.dialogue import replies
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.server import Server

# Debian's program on the PATH changes to the user rabbitmq and to the system's own node: this is the one behind it.
_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


class RabbitMQServer(Server):
    """A node of its own, with its own name, data, ports and Erlang port mapper, for any user."""

    start_deadline = 120.0

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        mapper_port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        env = _environment(directory, port=self._port, mapper_port=mapper_port)
        # Started by us: the one that Erlang would start by itself is a daemon and stays for ever.
        self._mapper = Process("epmd", [_program("epmd"), "-port", str(mapper_port)], directory=directory, env=env)
        super().__init__(Process("rabbitmq", [_server_program()], directory=directory, env=env))

    @property
    def url(self) -> str:
        """The broker URL for Celery, for the user and virtual host that every new node has."""
        return f"amqp://guest:guest@{LOOPBACK}:{self._port}//"

    def answers(self) -> bool:
        """Whether the server offers a connection."""
        return replies(self._port, _PROTOCOL_HEADER, _METHOD_FRAME)

    def start(self) -> None:
        """Start the port mapper and the node, and return once it takes connections."""
        if not self._mapper.alive:
            self._mapper.start()
        super().start()

    def stop(self, timeout: float = 30) -> None:
        """End the node and its port mapper."""
        super().stop(timeout)
        self._mapper.stop()

    def kill(self) -> None:
        """SIGKILL the node and its port mapper."""
        super().kill()
        self._mapper.kill()


def _environment(directory: Path, *, port: int, mapper_port: int) -> dict[str, str]:
    return {
        "HOME": str(directory),  # Erlang's cookie lives there.
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_CRASH_DUMP_SECONDS": "0",
        "RABBITMQ_CONF_ENV_FILE": str(directory / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "config"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": str(directory),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_NODENAME": f"celery-otel-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_PID_FILE": str(directory / "rabbitmq.pid"),
        "RABBITMQ_SCHEMA_DIR": str(directory / "schema"),
        # Erlang's own port, which no setting of RabbitMQ's keeps on loopback.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # Makes the start script become the server instead of waiting beside it: signals reach the right process.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def _server_program() -> str:
    return str(_DEBIAN) if _DEBIAN.exists() else _program("rabbitmq-server")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"no {name} on the PATH: run `make servers`, or install the package rabbitmq-server")
    return path
