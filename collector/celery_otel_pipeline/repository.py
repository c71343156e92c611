"""Where things are in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTOR_CONFIGURATION = ROOT / "otel-collector.yaml"
PROMETHEUS_CONFIGURATION = ROOT / "collector" / "prometheus" / "prometheus.yml"
