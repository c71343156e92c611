"""otel-collector.yaml, jaeger.yaml, compose.yaml and the constraints agree with each other and with our rules."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.repository import (
    BEARER_TOKEN_CONFIGURATION,
    COLLECTOR_CONFIGURATION,
    JAEGER_CONFIGURATION,
    ROOT,
)

_VARIABLE = re.compile(r"\$\{env:(\w+):-([^}]*)\}")
_PREFIX = "CELERY_OTEL_COLLECTOR_"

BOTH = pytest.mark.parametrize(
    "configuration", [COLLECTOR_CONFIGURATION, JAEGER_CONFIGURATION], ids=["collector", "jaeger"]
)


def settings_of(configuration: Path) -> dict[str, Any]:
    """Return a configuration as it is written."""
    loaded: dict[str, Any] = yaml.safe_load(configuration.read_text())
    return loaded


def variables_of(configuration: Path) -> dict[str, str]:
    """Return the variables that a configuration reads, with their defaults."""
    return dict(_VARIABLE.findall(yaml.safe_dump(settings_of(configuration))))


def collector_settings() -> dict[str, Any]:
    """Return the collector's configuration."""
    return settings_of(COLLECTOR_CONFIGURATION)


def collector_variables() -> dict[str, str]:
    """Return the variables that the collector's configuration reads, with their defaults."""
    return variables_of(COLLECTOR_CONFIGURATION)


def trace_pipelines() -> dict[str, Any]:
    """Return the collector's pipelines for traces."""
    pipelines: dict[str, Any] = collector_settings()["service"]["pipelines"]
    return {name: pipeline for name, pipeline in pipelines.items() if name.startswith("traces")}


def compose_services() -> dict[str, Any]:
    """Return the services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


@BOTH
def test_everything_listens_on_loopback_by_default(configuration: Path) -> None:
    """Whoever wants a server reachable from elsewhere has to say so."""
    addresses = {
        name: default for name, default in variables_of(configuration).items() if re.search("ENDPOINT|HOST", name)
    }

    assert len(addresses) >= 5
    assert dict.fromkeys(addresses, "127.0.0.1") == {name: value.split(":")[0] for name, value in addresses.items()}


@BOTH
def test_every_endpoint_is_a_variable(configuration: Path) -> None:
    """No address is fixed in a configuration."""
    endpoints = re.findall(r"(?:endpoint|host|port): *(.*)", yaml.safe_dump(settings_of(configuration)))

    assert len(endpoints) >= 7
    assert [] == [endpoint for endpoint in endpoints if not _VARIABLE.search(endpoint)]


@BOTH
def test_no_default_port_is_taken_twice(configuration: Path) -> None:
    """All servers of one configuration can run on one machine as they are."""
    ports = re.findall(r"(?:127\.0\.0\.1:|^)(\d{4,5})$", "\n".join(ports_of(configuration)), flags=re.MULTILINE)

    assert sorted(set(ports)) == sorted(ports)


def ports_of(configuration: Path) -> list[str]:
    """Return the defaults of the variables that name an address or a port."""
    found = variables_of(configuration)
    return [default for name, default in found.items() if name.endswith(("ENDPOINT", "PORT"))]


def test_collector_and_jaeger_do_not_take_each_others_ports() -> None:
    """Both run side by side as they are, and the collector sends where Jaeger receives: the one port they share."""
    shared = set(ports_of(COLLECTOR_CONFIGURATION)) & set(ports_of(JAEGER_CONFIGURATION))

    assert {variables_of(JAEGER_CONFIGURATION)["CELERY_OTEL_JAEGER_OTLP_ENDPOINT"]} == shared
    assert {collector_variables()[_PREFIX + "JAEGER_ENDPOINT"]} == shared


@BOTH
def test_head_of_a_configuration_names_every_variable_with_its_default(configuration: Path) -> None:
    """The list that a reader sees first is complete and right."""
    head = configuration.read_text().split("\nreceivers:")[0]
    listed = dict(re.findall(r"^#   (CELERY_OTEL_\w+) +(\S+)", head, flags=re.MULTILINE))

    assert listed == variables_of(configuration)


def test_metrics_path_keeps_no_state() -> None:
    """Nothing stands between the workers' totals and Prometheus that a restart could rob of its memory."""
    assert collector_settings()["service"]["pipelines"]["metrics"] == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter"],
        "exporters": ["prometheus"],
    }


def test_no_trace_leaves_the_collector_with_its_credentials() -> None:
    """Every pipeline that ends outside the collector looks for credentials first, in attributes and in the status."""
    leaving = {
        name: pipeline["processors"][-3:]
        for name, pipeline in trace_pipelines().items()
        if any(exporter.startswith("otlp") for exporter in pipeline["exporters"])
    }

    assert leaving == {"traces/jaeger": ["transform/status_out", "redaction", "transform/status_back"]}


def test_no_batch_processor_stands_between_acceptance_and_the_disk() -> None:
    """A batch processor tells the sender that all is well and keeps the spans in memory."""
    used = {processor.split("/")[0] for pipeline in trace_pipelines().values() for processor in pipeline["processors"]}

    assert used == {"memory_limiter", "transform", "tail_sampling", "filter", "redaction"}


def test_bearer_token_takes_nothing_away() -> None:
    """The second file's list of extensions, which replaces the first one's, has all of it."""
    with_token = settings_of(BEARER_TOKEN_CONFIGURATION)["service"]["extensions"]

    assert [*collector_settings()["service"]["extensions"], "bearertokenauth"] == with_token


def test_prometheus_scrapes_what_the_collector_serves_in_compose() -> None:
    """The targets are the collector's service name and the ports at which it serves its pages."""
    settings = yaml.safe_load((ROOT / "collector/prometheus/prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in settings["scrape_configs"]}
    environment = {**collector_variables(), **compose_services()["collector"]["environment"]}

    assert targets == {
        "celery_workers": ["collector:" + environment[_PREFIX + "PROMETHEUS_ENDPOINT"].split(":")[1]],
        "celery_spans": ["collector:" + environment[_PREFIX + "SPAN_METRICS_ENDPOINT"].split(":")[1]],
        "otel_collector": ["collector:" + environment[_PREFIX + "TELEMETRY_PORT"]],
    }


def test_collector_sends_where_jaeger_receives_in_compose() -> None:
    """The address is Jaeger's service name and the port on which it listens there."""
    listens = compose_services()["jaeger"]["environment"]["CELERY_OTEL_JAEGER_OTLP_ENDPOINT"]

    assert "0.0.0.0:14317" == listens
    assert "jaeger:14317" == compose_services()["collector"]["environment"][_PREFIX + "JAEGER_ENDPOINT"]


def test_constraints_are_plain_versions() -> None:
    """Each line names one version of one package and nothing else."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert lines
    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)]
