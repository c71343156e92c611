"""The manifests of docs/kubernetes, as Kustomize would read them."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from celery_otel_pipeline.repository import ROOT

FOLDER = ROOT / "docs/kubernetes"
Manifest = dict[str, Any]


@cache
def kustomization() -> Manifest:
    """The list of what belongs to the base."""
    loaded: Manifest = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return loaded


def documents(path: Path) -> list[Manifest]:
    """The manifests of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@cache
def manifests() -> dict[str, Manifest]:
    """All manifests, by kind and name."""
    return {
        f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
        for resource in kustomization()["resources"]
        for manifest in documents(FOLDER / resource)
    }


def pods() -> Iterator[tuple[str, Manifest]]:
    """The specification of every kind of pod, with the name of who makes it."""
    for name, manifest in manifests().items():
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            yield name, manifest["spec"]["template"]["spec"]


def containers() -> dict[str, Manifest]:
    """Every container, by its name."""
    return {container["name"]: container for _, pod in pods() for container in pod["containers"]}


def variables(container: Manifest) -> dict[str, str]:
    """The variables that a container is given, but for those that come from secrets."""
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}
