"""Draws dashboards without a Grafana: the same questions to a Prometheus, the same places, plain drawings."""
