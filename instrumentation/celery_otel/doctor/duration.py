"""Reads durations as Go writes them: the collector's settings, and Prometheus' answers."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float | None:
    """The seconds of a duration such as `2m` or `1m30s`; None for what is none."""
    parts = re.findall(r"(\d*\.?\d+)(ms|[smhd])", text)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts) or None
