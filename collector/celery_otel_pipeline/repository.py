"""Where things are in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTOR_CONFIGURATION = ROOT / "otel-collector.yaml"
AGENT_CONFIGURATION = ROOT / "collector" / "scale" / "agent.yaml"
GATEWAY_CONFIGURATION = ROOT / "collector" / "scale" / "gateway.yaml"
BEARER_TOKEN_CONFIGURATION = ROOT / "collector" / "bearer-token.yaml"
JAEGER_CONFIGURATION = ROOT / "collector" / "jaeger.yaml"
PROMETHEUS_CONFIGURATION = ROOT / "collector" / "prometheus" / "prometheus.yml"
ALERTMANAGER_CONFIGURATION = ROOT / "collector" / "alertmanager" / "alertmanager.yml"
