"""compose.yaml keeps to the specification, and to our rules: pinned, bounded, closed, and nothing missing."""

import re
from pathlib import Path

import pytest
import yaml

from celery_otel_pipeline.repository import ROOT
from tests.unit.deployment.composed import COMPOSE, SERVICES, Service, composition
from tests.unit.deployment.schemas import complaints

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
BUILT_HERE = re.compile(r"celery-otel-(api|demo):\d+\.\d+\.\d+")


def test_it_keeps_to_the_compose_specification() -> None:
    """The specification's own schema has nothing against it."""
    assert "" == complaints("compose-spec", [COMPOSE])


def test_the_schema_would_complain(tmp_path: Path) -> None:
    """What the specification does not know is found: the test before can fail."""
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "health_check:", 1))

    assert "health_check" in complaints("compose-spec", [wrong])


def test_every_service_of_the_system_is_there() -> None:
    """One start gives the broker, the application and all that watches it; two services wait for their profile."""
    always = {name for name, service in SERVICES.items() if "profiles" not in service.settings}
    profiles = {name: service.settings["profiles"] for name, service in SERVICES.items() if name not in always}

    assert {"load": ["demo"], "flower": ["flower"]} == profiles
    assert always == {
        *("prepare", "redis", "worker-1", "worker-2", "beat", "api"),
        *("collector", "prometheus", "alertmanager", "grafana", "jaeger"),
    }


@each_service
def test_image_has_an_exact_tag(service: Service) -> None:
    """What runs tomorrow is what ran today."""
    _, _, tag = service.settings["image"].partition(":")

    assert re.fullmatch(r"v?\d+\.\d+\.\d+(-\w+)?", tag)


def test_images_that_are_built_here_are_built_by_one_service_each_and_never_pulled() -> None:
    """Two builds of one image would race, and who is not built must not come from a registry by the same name."""
    ours = [service.settings for service in SERVICES.values() if BUILT_HERE.fullmatch(service.settings["image"])]
    builders = [settings["image"] for settings in ours if "build" in settings]

    assert sorted({settings["image"] for settings in ours}) == sorted(builders)
    assert [] == [settings for settings in ours if "build" not in settings and settings.get("pull_policy") != "never"]


def test_images_that_are_built_here_bear_our_version() -> None:
    """The tag says which celery-otel is in it."""
    version = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    images = {image for s in SERVICES.values() if BUILT_HERE.fullmatch(image := s.settings["image"])}

    assert {f"celery-otel-api:{version[0]}", f"celery-otel-demo:{version[0]}"} == images


def test_the_collector_is_the_version_of_our_distribution() -> None:
    """The tests run the same components as the image."""
    builder = yaml.safe_load((ROOT / "collector/distribution/builder.yaml").read_text())

    assert (
        f"otel/opentelemetry-collector-contrib:{builder['receivers'][0]['gomod'].rpartition('v')[2]}"
        == (SERVICES["collector"].settings["image"])
    )


@each_service
def test_ports_are_published_on_loopback_only(service: Service) -> None:
    """Nobody else on the network reaches what has no login."""
    assert {"127.0.0.1"} >= {address for address, _, _ in service.published}


def test_no_port_of_the_host_is_taken_twice() -> None:
    """All services run on one machine at once."""
    ports = [port for service in SERVICES.values() for _, port, _ in service.published]

    assert len(ports) == 13
    assert sorted(set(ports)) == sorted(ports)


@each_service
def test_mounted_files_exist_and_are_read_only(service: Service) -> None:
    """Docker would make a directory of a missing file, and a container could change a writable one."""
    files = [mount for mount in service.mounts if mount.is_file]

    assert [] == [mount for mount in files if not (ROOT / mount.source).exists()]
    assert [] == [mount for mount in files if not mount.read_only]


def test_volumes_are_declared_and_used() -> None:
    """Data outlives its container only in a volume that the file declares."""
    used = {mount.source for service in SERVICES.values() for mount in service.mounts if not mount.is_file}

    assert set(composition()["volumes"]) == used


@each_service
def test_memory_is_limited(service: Service) -> None:
    """One service that leaks does not take the machine along."""
    assert re.fullmatch(r"\d+[MG]", service.memory)


@each_service
def test_it_has_a_health_check_or_says_why_not(service: Service) -> None:
    """`docker compose up --wait` waits for what can be asked."""
    assert ("healthcheck" in service.settings) != bool(service.settings.get("x-no-healthcheck"))


@each_service
def test_it_has_no_rights_that_it_does_not_need(service: Service) -> None:
    """A program that was taken over can change nothing but its own data, and become nobody else."""
    settings = service.settings

    assert (True, ["ALL"]) == (settings["read_only"], settings["cap_drop"])
    assert ["no-new-privileges:true"] == settings["security_opt"]
    assert ("0:0" == service.user) == (service.name == "prepare")


def test_only_the_preparation_is_root_and_it_has_no_network() -> None:
    """It gives files to others and looks into them, and cannot be asked by anybody."""
    prepare = SERVICES["prepare"].settings

    assert (["CHOWN", "DAC_OVERRIDE", "FOWNER"], "none", "no") == (
        prepare["cap_add"],
        prepare["network_mode"],
        prepare["restart"],
    )
    assert [] == [
        service.name for service in SERVICES.values() if "cap_add" in service.settings if service.name != "prepare"
    ]


@each_service
def test_what_it_waits_for_is_there(service: Service) -> None:
    """Nobody waits for a health check that is not there, nor for the end of what does not end."""
    conditions = service.settings.get("depends_on", {}).items()
    possible = {"service_started"}

    for name, wanted in conditions:
        can = possible | ({"service_healthy"} if "healthcheck" in SERVICES[name].settings else set())
        can |= {"service_completed_successfully"} if SERVICES[name].settings["restart"] == "no" else set()
        assert wanted["condition"] in can
