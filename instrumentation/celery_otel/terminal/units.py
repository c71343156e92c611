"""Durations as people read them."""

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))
_TENTHS_BELOW = 10


def duration(seconds: float | None) -> str:
    """A duration in its two largest units, such as `2h 05m` or `3.2s`; a dash for none."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f}s"
    return _two_units(round(seconds))


def _two_units(seconds: int) -> str:
    for (unit, size), (smaller, part) in zip(_UNITS, (*_UNITS[1:], ("s", 1)), strict=True):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // part:02}{smaller}"
    return f"{seconds}s"
