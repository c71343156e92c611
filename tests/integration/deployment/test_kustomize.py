"""Kustomize renders docs/kubernetes as the guide says, and what comes out keeps to the schemas of Kubernetes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from celery_otel_pipeline.repository import COLLECTOR_CONFIGURATION, ROOT
from tests.unit.deployment.test_kubernetes import OPERATOR, VERSION

TOKENS = f"operator:read:{'0' * 64}"


@pytest.fixture
def rendered(tmp_path: Path) -> list[dict[str, Any]]:
    """The manifests that the guide's command makes of the base and a user's two files."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on this machine: hosted CI renders the base (.github/workflows/test.yml)")
    base = tmp_path / "docs/kubernetes"
    shutil.copytree(ROOT / "docs/kubernetes", base)
    shutil.copy(COLLECTOR_CONFIGURATION, tmp_path)
    shutil.copy(base / "broker.env.example", base / "broker.env")
    (base / "api-tokens").write_text(TOKENS)
    command = [kubectl, "kustomize", "--load-restrictor", "LoadRestrictionsNone", str(base)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def test_the_base_renders_to_what_kubernetes_takes(rendered: list[dict[str, Any]]) -> None:
    """Every manifest keeps to its schema, in the namespace, with configuration, secrets and image put in."""
    kinds = {manifest["kind"]: manifest for manifest in rendered}
    for manifest in rendered:
        if manifest["apiVersion"] != OPERATOR:
            kubernetes_validate.validate(manifest, VERSION, strict=True)

    elsewhere = {manifest["kind"] for manifest in rendered if manifest["metadata"].get("namespace") != "celery-otel"}
    assert {"Namespace"} == elsewhere
    assert COLLECTOR_CONFIGURATION.read_text() == kinds["ConfigMap"]["data"]["otel-collector.yaml"]
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    assert "registry.example.com/shop:1.0.0" == pod["containers"][0]["image"]
    # The hash of the content is in the name: a new token replaces the pod.
    names = {manifest["metadata"]["name"] for manifest in rendered if manifest["kind"] == "Secret"}
    assert {"api-tokens", "broker"} == {name.rpartition("-")[0] for name in names}
    assert pod["volumes"][0]["secret"]["secretName"] in names
    assert pod["containers"][0]["envFrom"][0]["secretRef"]["name"] in names
