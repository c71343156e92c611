"""Measures the API under load: `python -m tests.benchmarks.api`."""
