"""The demo's driver: starts everything, runs a plan on the playground, compares Prometheus with what happened."""
