"""Tests of the dashboards against a real Prometheus."""
