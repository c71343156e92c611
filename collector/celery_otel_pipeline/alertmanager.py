"""Debian's Alertmanager, run with the repository's routes and inhibitions."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from celery_otel_pipeline.fetching import is_reachable
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ALERTMANAGER_CONFIGURATION
from celery_otel_pipeline.server import Server

_AMTOOL_PATIENCE = 30.0


class AmtoolError(RuntimeError):
    """amtool ended with an error, which the message quotes."""


@dataclass(frozen=True)
class HeldAlert:
    """An alert that Alertmanager holds, by amtool's word."""

    labels: dict[str, str]
    annotations: dict[str, str]
    inhibited: bool

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels["alertname"]


class AlertmanagerServer(Server):
    """A server of which only who is told, and after which waits, differ from `alertmanager.yml`.

    Args:
        directory: Where data, configuration and log go.
        receiver_url: The webhook of all receivers, each of which has its own name behind this address.
        waits: Other values of `group_wait`, `group_interval` and `repeat_interval`, as in "1s", for every route that
            names them and for the first of all.
        configuration: The file to start from.
    """

    def __init__(
        self,
        directory: Path,
        *,
        receiver_url: str,
        waits: Mapping[str, str] | None = None,
        configuration: Path = ALERTMANAGER_CONFIGURATION,
    ) -> None:
        self._port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        changed = directory / "alertmanager.yml"
        changed.write_text(
            yaml.safe_dump(adapted(yaml.safe_load(configuration.read_text()), receiver_url, waits or {}))
        )
        argv = [
            program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={changed}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={self.target}",
            # Alone: it would wait for others of its kind before it sends anything.
            "--cluster.listen-address=",
        ]
        super().__init__(Process("alertmanager", argv, directory=directory))

    @property
    def target(self) -> str:
        """Host and port where Prometheus sends alerts to."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{self.target}"

    def answers(self) -> bool:
        """Whether it takes alerts."""
        return is_reachable(f"{self.url}/-/ready")

    def alerts(self) -> list[HeldAlert]:
        """What it holds now, inhibited alerts too.

        Raises:
            AmtoolError: It could not be asked.
        """
        said = amtool(f"--alertmanager.url={self.url}", "alert", "query", "--active", "--inhibited", "--output=json")
        return [_held(alert) for alert in json.loads(said)]


def amtool(*arguments: str) -> str:
    """Return what amtool prints.

    Raises:
        AmtoolError: It ended with an error.
    """
    command = [program("amtool"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_AMTOOL_PATIENCE)  # noqa: S603 - found on the PATH
    if done.returncode != 0:
        raise AmtoolError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def program(*names: str) -> str:
    """Return the path of the first of these programs that there is.

    Raises:
        FileNotFoundError: There is none.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError(f"no {names[0]} on the PATH: run `make servers`, or install prometheus-alertmanager")
    return found


def adapted(settings: dict[str, Any], receiver_url: str, waits: Mapping[str, str]) -> dict[str, Any]:
    """Return Alertmanager's settings with other receivers and waits, and nothing else changed."""
    return {
        **settings,
        "route": {**_route(settings["route"], waits), **waits},
        "receivers": [_receiver(receiver, receiver_url) for receiver in settings["receivers"]],
    }


def _route(route: Mapping[str, Any], waits: Mapping[str, str]) -> dict[str, Any]:
    changed = {name: waits.get(name, value) for name, value in route.items()}
    if "routes" in route:
        changed["routes"] = [_route(inner, waits) for inner in route["routes"]]
    return changed


def _receiver(receiver: Mapping[str, Any], url: str) -> dict[str, Any]:
    return {"name": receiver["name"], "webhook_configs": [{"url": f"{url}/{receiver['name']}"}]}


def _held(alert: Mapping[str, Any]) -> HeldAlert:
    return HeldAlert(alert["labels"], alert["annotations"], bool(alert["status"]["inhibitedBy"]))
