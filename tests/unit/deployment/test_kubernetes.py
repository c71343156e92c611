"""The manifests of docs/kubernetes keep to the schemas of Kubernetes, its strictest rules for pods, and each other."""

import re
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION, ROOT
from tests.unit.deployment.composed import SERVICES
from tests.unit.deployment.manifests import (
    FOLDER,
    Manifest,
    containers,
    documents,
    kustomization,
    manifests,
    pods,
    variables,
)

VERSION = "1.37"
OPERATOR = "monitoring.coreos.com/v1"
OWN = {name: manifest for name, manifest in manifests().items() if manifest["apiVersion"] != OPERATOR}
each_pod = pytest.mark.parametrize("pod", [pod for _, pod in pods()], ids=[name for name, _ in pods()])


@pytest.mark.parametrize("manifest", OWN.values(), ids=OWN)
def test_it_keeps_to_the_schema_of_kubernetes(manifest: Manifest) -> None:
    """The schema of its kind has nothing against it, and knows every field of it."""
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_the_schema_would_complain() -> None:
    """A misspelt field is found: the test before can fail."""
    manifest = {**OWN["Service/api"], "spec": {**OWN["Service/api"]["spec"], "selektor": {}}}

    with pytest.raises(kubernetes_validate.ValidationError, match="selektor"):
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_every_file_belongs_to_the_base() -> None:
    """Nothing in the folder is forgotten, and nothing that the base names is missing."""
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}

    assert files == set(kustomization()["resources"])


def test_the_collectors_configuration_is_the_one_that_runs_everywhere() -> None:
    """The config map is made from the file at the root of the repository."""
    (generated,) = kustomization()["configMapGenerator"]

    assert [COLLECTOR_CONFIGURATION] == [(FOLDER / path).resolve() for path in generated["files"]]
    assert f"--config=/etc/celery-otel/{COLLECTOR_CONFIGURATION.name}" in containers()["collector"]["args"]


def test_secrets_are_made_from_files_that_git_ignores() -> None:
    """No token and no password gets into the repository."""
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    secrets = kustomization()["secretGenerator"]
    files = [path.rpartition("=")[2] for secret in secrets for path in secret.get("files", secret.get("envs"))]

    assert ["api-tokens", "broker.env"] == files
    assert {f"/docs/kubernetes/{name}" for name in files} <= set(ignored)
    assert (FOLDER / "broker.env.example").is_file()


def referenced(value: Any) -> set[str]:
    """The names of all config maps and secrets that a manifest asks for."""
    return set(re.findall(r"(?:secretName|secretRef: \{name|configMap: \{name): ([\w-]+)", flowing(value)))


def flowing(value: Any) -> str:
    """A manifest on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=100_000)


def test_what_pods_ask_for_is_generated() -> None:
    """No pod waits for a config map or secret that nobody makes, and none is made in vain."""
    generators = [*kustomization()["configMapGenerator"], *kustomization()["secretGenerator"]]

    assert {generator["name"] for generator in generators} == referenced(dict(pods()))


@each_pod
def test_a_pod_keeps_to_the_restricted_standard(pod: Manifest) -> None:
    """The namespace enforces it: a pod that does not would never start."""
    for container in pod["containers"]:
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        } == container["securityContext"]
    assert (True, {"type": "RuntimeDefault"}) == (
        pod["securityContext"]["runAsNonRoot"],
        pod["securityContext"]["seccompProfile"],
    )
    assert pod["automountServiceAccountToken"] is False


@each_pod
def test_a_container_is_bounded_and_asked(pod: Manifest) -> None:
    """It has a limit of memory, and says whether it has started and still lives."""
    for container in pod["containers"]:
        assert re.fullmatch(r"\d+Mi", container["resources"]["limits"]["memory"])
        assert {"startupProbe", "livenessProbe"} <= container.keys()


@each_pod
def test_a_pod_has_no_sidecar(pod: Manifest) -> None:
    """Workers export by themselves."""
    assert 1 == len(pod["containers"])


def test_probes_and_services_ask_for_ports_that_containers_have() -> None:
    """Every named port is there."""
    have = {name: {port["name"] for port in container.get("ports", [])} for name, container in containers().items()}
    asked = {
        name: set(
            re.findall(r"(?:\bport|targetPort): ([a-z][\w-]*)", flowing([container, manifests()[f"Service/{name}"]]))
        )
        for name, container in containers().items()
    }

    assert {"api", "collector"} == {name for name, ports in asked.items() if ports}
    assert {} == {name: extra for name in asked if (extra := asked[name] - have[name])}


def test_a_workers_name_stays_when_its_pod_is_replaced() -> None:
    """Its node name and the label of its series are made from the name of a pod of a StatefulSet."""
    worker = containers()["worker"]

    assert "StatefulSet/worker" in manifests()
    assert "metadata.name" == worker["env"][0]["valueFrom"]["fieldRef"]["fieldPath"]
    assert "celery@$(POD_NAME)" in worker["command"]
    assert "celery@$(POD_NAME)" == variables(worker)["CELERY_OTEL_WORKER_NAME"]
    # A variable is put into those that come after it.
    assert ["POD_NAME", "CELERY_OTEL_WORKER_NAME"] == list(variables(worker))[:2]


def test_the_collector_is_the_one_of_compose() -> None:
    """Same image, and the same settings but for what is elsewhere."""
    composed = SERVICES["collector"]
    ours, theirs = variables(containers()["collector"]), composed.environment
    elsewhere = {"CELERY_OTEL_COLLECTOR_JAEGER_ENDPOINT"}

    assert composed.settings["image"] == containers()["collector"]["image"]
    assert {name: value for name, value in theirs.items() if name not in elsewhere} == {
        name: value for name, value in ours.items() if name not in elsewhere
    }


def test_senders_find_the_collector_and_callers_the_api() -> None:
    """Host names are those of services, and their ports are open to whom the policies name."""
    urls = re.findall(r"http://(\w+):(\d+)", flowing(containers()))
    open_ports = {
        (policy["metadata"]["name"], port["port"])
        for policy in manifests().values()
        if policy["kind"] == "NetworkPolicy"
        for rule in policy["spec"].get("ingress", [])
        for port in rule["ports"]
    }

    assert {("collector", "4318"), ("collector", "8889")} == set(urls)
    assert {(host, int(port)) for host, port in urls} <= open_ports
    for name, port in open_ports:
        assert port in {entry["port"] for entry in manifests()[f"Service/{name}"]["spec"]["ports"]}


def test_nobody_comes_in_who_is_not_named() -> None:
    """A policy for all pods allows nothing; the others open what they name."""
    assert {"podSelector": {}, "policyTypes": ["Ingress"]} == manifests()["NetworkPolicy/nobody"]["spec"]


def test_the_service_monitor_scrapes_what_prometheus_yml_scrapes() -> None:
    """The same jobs, at the same ports, as often, with the same word on whose labels count."""
    settings = yaml.safe_load((ROOT / "collector/prometheus/prometheus.yml").read_text())
    ports = {entry["name"]: entry["port"] for entry in manifests()["Service/collector"]["spec"]["ports"]}
    monitored = {
        endpoint["relabelings"][0]["replacement"]: (
            [f"collector:{ports[endpoint['port']]}"],
            endpoint["interval"],
            endpoint["scrapeTimeout"],
            endpoint.get("honorLabels", False),
        )
        for endpoint in manifests()["ServiceMonitor/collector"]["spec"]["endpoints"]
    }

    assert monitored == {
        job["job_name"]: (
            job["static_configs"][0]["targets"],
            settings["global"]["scrape_interval"],
            settings["global"]["scrape_timeout"],
            job.get("honor_labels", False),
        )
        for job in settings["scrape_configs"]
    }


def test_the_service_monitor_finds_the_service() -> None:
    """What it selects by is on the collector's Service."""
    wanted = manifests()["ServiceMonitor/collector"]["spec"]["selector"]["matchLabels"]

    assert wanted.items() <= manifests()["Service/collector"]["metadata"]["labels"].items()


def test_the_rules_are_those_of_prometheus() -> None:
    """The PrometheusRule has the groups of the rule files, word by word."""
    (rule,) = documents(FOLDER / "prometheus-rule.yaml")
    files = sorted((ROOT / "collector/prometheus/rules").glob("*.yml"))
    groups = {group["name"]: group for file in files for group in yaml.safe_load(file.read_text())["groups"]}

    assert (OPERATOR, "PrometheusRule") == (rule["apiVersion"], rule["kind"])
    assert groups == {group["name"]: group for group in rule["spec"]["groups"]}
