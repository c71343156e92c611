"""Keeps what was measured in a file, so that one part can be measured again without the others."""

import json
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any

from tests.benchmarks.growth.growth import Growth
from tests.benchmarks.growth.parts import PARTS, Grown

DEFAULT = Path.home() / ".cache" / "celery-otel" / "growth.json"


def load(path: Path) -> Grown:
    """What was measured before, by part; nothing if there is no file."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {part: [_growth(one) for one in kept[part.key]] for part in PARTS if part.key in kept}


def save(path: Path, grown: Grown) -> None:
    """Keep what was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {part.key: [_plain(one) for one in growths] for part, growths in grown.items()}
    path.write_text(json.dumps(plain, indent=1), encoding="utf-8")


def _plain(growth: Growth) -> dict[str, Any]:
    return {**asdict(growth), "bound": None if growth.bound == inf else growth.bound}


def _growth(plain: dict[str, Any]) -> Growth:
    points = {int(size): value for size, value in plain["points"].items()}
    return Growth(plain["figure"], plain["unit"], points, inf if plain["bound"] is None else plain["bound"])
