"""Values and names as a reader of a panel sees them."""

import math
import re
from collections.abc import Mapping

#: What is written where there is no value.
NOTHING = "-"
#: From here on decimals say nothing.
_LARGE = 100
_LABEL = re.compile(r"\{\{(\w+)\}\}")
_TIMES = ((86400.0, "day"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
_SIZES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_COUNTS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def said(value: float, unit: str) -> str:
    """Return a value with its unit, which is one of Grafana's."""
    if not math.isfinite(value):
        return NOTHING
    if unit == "s":
        return _scaled(value, _TIMES, "ms") if value else "0 s"
    if unit in {"bytes", "Bps"}:
        return _scaled(value, _SIZES, "B") + ("/s" if unit == "Bps" else "")
    if unit == "percentunit":
        return f"{_short(100 * value)} %"
    if unit == "percent":
        return f"{_short(value)} %"
    return _count(value, unit)


def _count(value: float, unit: str) -> str:
    if unit == "locale":
        return f"{value:,.0f}"
    if unit == "short":
        return _scaled(value, _COUNTS, "").strip()
    return f"{_short(value)} {unit.removeprefix('suffix:')}" if unit.startswith("suffix:") else _short(value)


def _scaled(value: float, steps: tuple[tuple[float, str], ...], least: str) -> str:
    for size, name in steps:
        if abs(value) >= size:
            return f"{_short(value / size)} {name}"
    return f"{_short(value * (1000 if least == 'ms' else 1))} {least}"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= _LARGE or value == round(value) else f"{value:.3g}"


def named(legend: str, labels: Mapping[str, str]) -> str:
    """Return what a series is called."""
    if legend == "__auto":
        return ", ".join(value for name, value in labels.items() if name != "__name__")
    return _LABEL.sub(lambda match: labels.get(match[1], ""), legend)
