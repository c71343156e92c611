"""compose.yaml as Docker would read it: the services, what they mount, who they run as, where they listen."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from celery_otel_pipeline.repository import ROOT

COMPOSE = ROOT / "compose.yaml"
_LISTENS = re.compile(r"0\.0\.0\.0:(\d+)")


@dataclass(frozen=True)
class Mount:
    """One entry of a service's volumes.

    Attributes:
        source: A path in the repository, which begins with ./, or the name of a volume.
        target: Where it is in the container.
        read_only: Whether the container cannot change it.
    """

    source: str
    target: str
    read_only: bool

    @property
    def is_file(self) -> bool:
        """Whether it comes from the repository."""
        return self.source.startswith("./")


@dataclass(frozen=True)
class Service:
    """A service of compose.yaml."""

    name: str
    settings: dict[str, Any]

    @cached_property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return dict(self.settings.get("environment", {}))

    @cached_property
    def mounts(self) -> list[Mount]:
        """What it mounts."""
        return [_mount(text) for text in self.settings.get("volumes", [])]

    @cached_property
    def published(self) -> list[tuple[str, int, int]]:
        """Its ports as (address of the host, port there, port in the container)."""
        parts = [text.split(":") for text in self.settings.get("ports", [])]
        return [(":".join(address), int(host), int(port)) for *address, host, port in parts]

    @cached_property
    def listens(self) -> set[int]:
        """The ports at which the other services reach it."""
        named = {int(port) for value in self.environment.values() for port in _LISTENS.findall(str(value))}
        return named | {port for _, _, port in self.published}

    @cached_property
    def user(self) -> str:
        """Who it runs as: its own word, else that of the Dockerfile which makes its image."""
        if "user" in self.settings:
            return str(self.settings["user"])
        named: list[str] = re.findall(r"^USER (\S+)$", _dockerfile(self.settings["image"]).read_text(), re.MULTILINE)
        return named[-1]

    @cached_property
    def memory(self) -> str:
        """Its limit of memory."""
        return str(self.settings["deploy"]["resources"]["limits"]["memory"])


def _mount(text: str) -> Mount:
    source, target, *options = text.split(":")
    return Mount(source, target, options == ["ro"])


def _dockerfile(image: str) -> Path:
    builds = [service.settings.get("build") for service in SERVICES.values() if service.settings["image"] == image]
    return ROOT / str(next(build["dockerfile"] for build in builds if build))


def composition() -> dict[str, Any]:
    """Return compose.yaml with its anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


SERVICES = {name: Service(name, settings) for name, settings in composition()["services"].items()}
