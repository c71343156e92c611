"""otel-collector.yaml, compose.yaml and the constraints agree with each other and with our rules."""

import re
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION, ROOT

_VARIABLE = re.compile(r"\$\{env:(\w+):-([^}]*)\}")
_PREFIX = "CELERY_OTEL_COLLECTOR_"


def collector_settings() -> dict[str, Any]:
    """Return the collector's configuration."""
    loaded: dict[str, Any] = yaml.safe_load(COLLECTOR_CONFIGURATION.read_text())
    return loaded


def collector_variables() -> dict[str, str]:
    """Return the variables that the collector's configuration reads, with their defaults."""
    return dict(_VARIABLE.findall(yaml.safe_dump(collector_settings())))


def compose_services() -> dict[str, Any]:
    """Return the services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


SERVICES = sorted(compose_services())


def test_collector_listens_on_loopback_by_default() -> None:
    """Whoever wants the collector reachable from elsewhere has to say so."""
    addresses = {
        name: default for name, default in collector_variables().items() if "ENDPOINT" in name or "HOST" in name
    }

    assert len(addresses) == 5
    assert dict.fromkeys(addresses, "127.0.0.1") == {name: value.split(":")[0] for name, value in addresses.items()}


def test_every_endpoint_is_a_variable() -> None:
    """No address is fixed in the collector's configuration."""
    endpoints = re.findall(r"(?:endpoint|host|port): *(.*)", yaml.safe_dump(collector_settings()))

    assert len(endpoints) == 6
    assert [] == [endpoint for endpoint in endpoints if not _VARIABLE.search(endpoint)]


def test_head_of_the_collector_configuration_names_every_variable_with_its_default() -> None:
    """The list that a reader sees first is complete and right."""
    head = COLLECTOR_CONFIGURATION.read_text().split("\nreceivers:")[0]
    listed = dict(re.findall(rf"^#   ({_PREFIX}\w+) +(\S+)", head, flags=re.MULTILINE))

    assert listed == collector_variables()


def test_metrics_path_keeps_no_state() -> None:
    """Nothing stands between the workers' totals and Prometheus that a restart could rob of its memory."""
    assert collector_settings()["service"]["pipelines"]["metrics"] == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter"],
        "exporters": ["prometheus"],
    }


@pytest.mark.parametrize("service", SERVICES)
def test_image_has_an_exact_tag(service: str) -> None:
    """What runs tomorrow is what ran today."""
    _, _, tag = compose_services()[service]["image"].partition(":")

    assert re.fullmatch(r"v?\d+\.\d+\.\d+(-\w+)?", tag)


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_published_on_loopback_only(service: str) -> None:
    """Nobody else on the network reaches what has no login."""
    ports = compose_services()[service]["ports"]

    assert ports
    assert [] == [port for port in ports if not port.startswith("127.0.0.1:")]


@pytest.mark.parametrize("service", SERVICES)
def test_mounted_files_exist_and_are_read_only(service: str) -> None:
    """Docker would make a directory of a missing file, and a container could change a writable one."""
    mounts = [volume.split(":") for volume in compose_services()[service]["volumes"]]
    files = [mount for mount in mounts if mount[0].startswith(".")]

    assert [] == [mount for mount in files if not (ROOT / mount[0]).is_file()]
    assert [] == [mount for mount in files if mount[2:] != ["ro"]]


@pytest.mark.parametrize("service", SERVICES)
def test_named_volumes_are_declared(service: str) -> None:
    """Data outlives its container only in a volume that the file declares."""
    declared = yaml.safe_load((ROOT / "compose.yaml").read_text())["volumes"]
    named = [volume.split(":")[0] for volume in compose_services()[service]["volumes"] if not volume.startswith(".")]

    assert set(named) <= set(declared)


@pytest.mark.parametrize("service", SERVICES)
def test_memory_is_limited(service: str) -> None:
    """One service that leaks does not take the machine along."""
    assert re.fullmatch(r"\d+[MG]", compose_services()[service]["deploy"]["resources"]["limits"]["memory"])


def test_compose_sets_only_variables_that_the_collector_reads() -> None:
    """A misspelt variable would leave the collector unreachable without a word."""
    ours = {name for name in compose_services()["collector"]["environment"] if name.startswith(_PREFIX)}

    assert ours
    assert ours <= collector_variables().keys()


def test_prometheus_scrapes_what_the_collector_serves_in_compose() -> None:
    """The targets are the collector's service name and the ports at which it serves its pages."""
    settings = yaml.safe_load((ROOT / "collector/prometheus/prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in settings["scrape_configs"]}
    environment = {**collector_variables(), **compose_services()["collector"]["environment"]}

    assert targets == {
        "celery_workers": ["collector:" + environment[_PREFIX + "PROMETHEUS_ENDPOINT"].split(":")[1]],
        "otel_collector": ["collector:" + environment[_PREFIX + "TELEMETRY_PORT"]],
    }


def test_constraints_are_plain_versions() -> None:
    """Each line names one version of one package and nothing else."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert lines
    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)]
