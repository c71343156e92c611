"""Writes the dashboards as the JSON that Grafana reads: `make dashboards`.

Other addresses behind the links: `PYTHONPATH=collector python -m grafana.generate_dashboards --api-url … --jaeger-url …
--directory …`. With `--check` nothing is written, and the exit status is 1 if something would change.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from grafana.dashboards import boards
from grafana.dashboards.addresses import Addresses

JSON = Path(__file__).parent / "json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what has changed, or say what would; return the exit status."""
    options = parser().parse_args(arguments)
    made = contents(Addresses(options.api_url.rstrip("/"), options.jaeger_url.rstrip("/")))
    stale = [name for name, text in made.items() if _text(options.directory / name) != text]
    # Renamed dashboards must not stay beside their new names.
    strange = sorted({path.name for path in options.directory.glob("*.json")} - set(made))
    if options.check:
        sys.stdout.write("".join(f"not current: {name}\n" for name in (*stale, *strange)))
        return int(bool(stale or strange))
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (options.directory / name).write_text(made[name])
    return 0


def contents(addresses: Addresses) -> dict[str, str]:
    """Return the files by name."""
    return {f"{board.uid}.json": board.json() for board in boards(addresses)}


def parser() -> argparse.ArgumentParser:
    """Return the command line's description."""
    known = Addresses()
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--api-url", default=known.api, help="the API's page (default: %(default)s)")
    made.add_argument("--jaeger-url", default=known.jaeger, help="Jaeger's page (default: %(default)s)")
    made.add_argument("--directory", type=Path, default=JSON, help="where the files go (default: %(default)s)")
    made.add_argument("--check", action="store_true", help="write nothing; status 1 if something would change")
    return made


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
