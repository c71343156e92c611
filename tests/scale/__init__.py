"""Agents, gateways and a clustered store, run for real: what `make scale` plays and measures.

Needs programs that `.ci/run` does not build (`make scale-tools`), and is therefore no part of the tests.
"""
