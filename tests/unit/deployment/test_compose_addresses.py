"""Every host and port that a configuration names is a service of compose.yaml, which listens there."""

import re
from pathlib import Path

import pytest
import yaml

from celery_otel_pipeline.prometheus import FEATURES
from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION, JAEGER_CONFIGURATION, ROOT
from tests.unit.deployment.composed import COMPOSE, SERVICES

_ADDRESS = re.compile(rf"(?<![\w.-])({'|'.join(SERVICES)}):(\d{{4,5}})\b")
_URL_HOST = re.compile(r"\w+://(?:[^\s/@\"']*@)?([\w.-]+)")
_HERE = re.compile(r"127\.0\.0\.1:(\d+)")
PROVISIONING = ROOT / "collector/grafana/provisioning"
PROMETHEUS = ROOT / "collector/prometheus/prometheus.yml"
CONFIGURATIONS = [
    COMPOSE,
    PROMETHEUS,
    *sorted(PROVISIONING.glob("datasources/*.yaml")),
]

WITH_URLS = [*CONFIGURATIONS, ROOT / "collector/alertmanager/alertmanager.yml"]


def written(configuration: Path) -> str:
    """What a configuration says, without its comments."""
    return yaml.safe_dump(yaml.safe_load(configuration.read_text()), width=1000)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=[path.name for path in CONFIGURATIONS])
def test_addresses_are_those_of_services(configuration: Path) -> None:
    """Whoever is asked under a name and a port listens there."""
    named = {(name, int(port)) for name, port in _ADDRESS.findall(written(configuration))}
    listening = {(name, port) for name, service in SERVICES.items() for port in service.listens}

    assert named
    assert set() == named - listening


@pytest.mark.parametrize("configuration", WITH_URLS, ids=[path.name for path in WITH_URLS])
def test_hosts_of_urls_are_services(configuration: Path) -> None:
    """No URL leads anywhere else."""
    hosts = set(_URL_HOST.findall(written(configuration)))

    assert hosts <= {*SERVICES, "127.0.0.1"}


def test_links_for_a_browser_are_published() -> None:
    """What a page links to is reached from the host."""
    links = {
        int(port)
        for service in SERVICES.values()
        for value in service.environment.values()
        for port in _HERE.findall(str(value))
    }
    published = {port for service in SERVICES.values() for _, port, _ in service.published}

    assert {3000, 16686} == links
    assert links <= published


def test_ports_are_the_same_inside_and_outside() -> None:
    """One number names a server, wherever it is asked from."""
    assert [] == [port for service in SERVICES.values() for _, *port in service.published if port[0] != port[1]]


@pytest.mark.parametrize(
    ("service", "configuration"), [("collector", COLLECTOR_CONFIGURATION), ("jaeger", JAEGER_CONFIGURATION)]
)
def test_only_variables_are_set_that_are_read(service: str, configuration: Path) -> None:
    """A misspelt variable would leave a server unreachable without a word."""
    ours = {name for name in SERVICES[service].environment if name.startswith("CELERY_OTEL_")}

    assert ours
    assert ours <= set(re.findall(r"\$\{env:(\w+)", configuration.read_text()))


def test_prometheus_finds_its_rules_where_they_are_mounted() -> None:
    """`rule_files` is relative to the directory of the configuration."""
    settings = yaml.safe_load(PROMETHEUS.read_text())
    targets = {mount.source: Path(mount.target) for mount in SERVICES["prometheus"].mounts}
    configured = targets["./collector/prometheus/prometheus.yml"].parent

    assert ["rules/*.yml"] == settings["rule_files"]
    assert configured / "rules" == targets["./collector/prometheus/rules"]
    assert list((ROOT / "collector/prometheus/rules").glob("*.yml"))


def test_grafana_finds_its_dashboards_where_they_are_mounted() -> None:
    """The provider's path is the mount of the JSON files."""
    targets = {mount.source: mount.target for mount in SERVICES["grafana"].mounts}
    files = PROVISIONING.glob("dashboards/*.yaml")
    paths = [
        provider["options"]["path"] for file in files for provider in yaml.safe_load(file.read_text())["providers"]
    ]

    assert [targets["./collector/grafana/json"]] == paths


def test_prometheus_is_started_with_the_features_that_the_numbers_need() -> None:
    """The features are those of the server in the tests."""
    assert f"--enable-feature={FEATURES}" in SERVICES["prometheus"].settings["command"]
