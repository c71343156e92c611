"""The services of compose.yaml as plain processes: their own commands and variables, with this machine's addresses."""

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.ports import LOOPBACK
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from tests.unit.deployment.composed import SERVICES, Service

HERE = ROOT / "docs" / "examples" / "demo"
BIN = Path(sys.executable).parent
PYTHON_IMAGES = {"celery-otel-api:0.1.0": ["celery-otel-api"], "celery-otel-demo:0.1.0": []}
"""The images whose programs are here, with their entry points."""


@dataclass(frozen=True)
class LocalSystem:
    """Where the services of compose.yaml run on this machine.

    Attributes:
        directory: Where logs, and the directories in the place of volumes, are.
        addresses: What to write instead of an address or path of compose.yaml.
    """

    directory: Path
    addresses: Mapping[str, str]

    def process(self, name: str, env: Mapping[str, str] | None = None) -> Process:
        """A service's process, not started yet.

        Args:
            name: The service.
            env: Variables beside its own.
        """
        service = SERVICES[name]
        argv = [*PYTHON_IMAGES[service.settings["image"]], *service.settings["command"]]
        variables = {**self._environment(service), **(env or {})}
        return Process(name, self._argv(service, argv), directory=self.directory, env=variables, cwd=HERE)

    def health_check(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Run a service's health check where its process is."""
        service = SERVICES[name]
        kind, *test = service.settings["healthcheck"]["test"]
        argv = ["/bin/sh", "-c", *test] if kind == "CMD-SHELL" else test
        env = child_environment(self._environment(service) | {"PATH": f"{BIN}:/usr/bin:/bin"})
        command = [self.local(part).replace("$$", "$") for part in argv]
        return subprocess.run(command, env=env, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)

    def local(self, text: str) -> str:
        """A text of compose.yaml with this machine's addresses and paths."""
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text

    def volume(self, name: str) -> Path:
        """The directory in the place of a volume."""
        return self.directory / "volumes" / name

    def prepare(self) -> None:
        """Do what `prepare` does, as compose.yaml calls it."""
        prepare = SERVICES["prepare"]
        shell, _ = prepare.settings["entrypoint"]
        script = ROOT / prepare.mounts[0].source
        for mount in prepare.mounts[1:]:
            self.volume(mount.source).mkdir(parents=True)
        env = {"VOLUMES": str(self.directory / "volumes"), "PATH": "/usr/bin:/bin"}
        subprocess.run([shell, str(script), *prepare.settings["command"]], env=env, check=True)

    def _environment(self, service: Service) -> dict[str, str]:
        given = {name: self.local(value) for name, value in service.environment.items()}
        return {**given, "HOSTNAME": service.settings.get("hostname", LOOPBACK), "PYTHONPATH": _python_path()}

    def _argv(self, service: Service, argv: list[str]) -> list[str]:
        program, *rest = [self.local(part) for part in argv]
        # A container's host name is the worker's node name; here it has to be said.
        node = ["--hostname", f"celery@{service.settings['hostname']}"] if "worker" in rest else []
        return [str(BIN / program), *rest, *node]


def _python_path() -> str:
    return ":".join(path for path in sys.path if path.startswith(str(ROOT)))


def shown(process: Process) -> str:
    """What to say when a process did not do what was waited for."""
    return f"{shlex.join(process.argv)}\n{process.log_tail}"
