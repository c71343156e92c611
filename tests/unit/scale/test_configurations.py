"""The configurations of agents and gateways, as far as they can be looked at without their programs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.repository import AGENT_CONFIGURATION, COLLECTOR_CONFIGURATION, GATEWAY_CONFIGURATION, ROOT

BUILDER = ROOT / "collector" / "scale" / "builder.yaml"
KINDS = ("receivers", "processors", "exporters", "connectors", "extensions")
#: Types whose module has another name.
NAMES = {"otlp_grpc": "otlp", "otlp_http": "otlphttp"}


def configured(file: Path) -> set[tuple[str, str]]:
    """The kind and type of each component of a configuration."""
    settings = yaml.safe_load(file.read_text())
    return {(kind, name.partition("/")[0]) for kind in KINDS for name in settings.get(kind) or ()}


def built(kind: str) -> set[str]:
    """The names of the modules of one kind, without the kind."""
    modules = yaml.safe_load(BUILDER.read_text())[kind]
    return {module["gomod"].split()[0].rpartition("/")[2].removesuffix(kind[:-1]) for module in modules}


@pytest.mark.parametrize(
    "file", [AGENT_CONFIGURATION, GATEWAY_CONFIGURATION, COLLECTOR_CONFIGURATION], ids=lambda file: file.name
)
def test_every_component_is_built(file: Path) -> None:
    """What agents and gateways configure is in the manifest of their program."""
    missing = [
        (kind, name) for kind, name in configured(file) if NAMES.get(name, name.replace("_", "")) not in built(kind)
    ]
    assert [] == missing


@pytest.mark.parametrize("file", [AGENT_CONFIGURATION, GATEWAY_CONFIGURATION], ids=lambda file: file.name)
def test_every_variable_is_described_with_its_default(file: Path) -> None:
    """The head of the file names each variable that it uses, with the same default, and no other."""
    text = file.read_text()
    used = set(re.findall(r"\$\{env:(\w+):-([^}]*)\}", text))
    described = set(re.findall(r"^#   (CELERY_OTEL_\w+) +(\S+)", text, re.MULTILINE))
    assert used == described


def test_spans_are_tried_again_at_another_gateway_and_metrics_are_not() -> None:
    """Both balance over the same gateways; only spans are queued, above the choice of a gateway."""
    exporters: dict[str, Any] = yaml.safe_load(AGENT_CONFIGURATION.read_text())["exporters"]
    traces, metrics = exporters["load_balancing/traces"], exporters["load_balancing/metrics"]
    assert traces["resolver"] == metrics["resolver"]
    assert traces["protocol"] == metrics["protocol"]
    assert (True, 0) == (traces["sending_queue"]["enabled"], traces["retry_on_failure"]["max_elapsed_time"])
    below = traces["protocol"]["otlp"]
    also_off = [
        metrics["sending_queue"],
        metrics["retry_on_failure"],
        below["sending_queue"],
        below["retry_on_failure"],
    ]
    assert [False] * 4 == [one["enabled"] for one in also_off]
