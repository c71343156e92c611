#!/usr/bin/env python
"""Draws docs/images/dashboards/<uid>.png: each dashboard, with what a Prometheus that is running has to say.

`PYTHONPATH=collector .venv/bin/python docs/images/draw_dashboards.py --prometheus URL`. Any Prometheus that scrapes the
collector will do. Ours are drawn from the one that the dashboards' own test fills:
`PYTHONPATH=.:collector .venv/bin/python -m tests.acceptance.dashboards.scene` starts it and prints its address.
"""

import argparse
import time
from pathlib import Path

from grafana.reading import Times, dashboards
from grafana.render.picture import draw
from grafana.render.source import Source

TARGET = Path(__file__).parent / "dashboards"
POINTS = 75


def main() -> None:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--minutes", type=float, default=10.0, help="how much is shown (default: %(default)s)")
    parser.add_argument("--scrape-interval", type=float, default=1.0, metavar="SECONDS", help="(default: %(default)s)")
    parser.add_argument("--directory", type=Path, default=TARGET, help="where they go (default: %(default)s)")
    options = parser.parse_args()
    seconds = 60 * options.minutes
    times = Times(seconds, max(options.scrape_interval, round(seconds / POINTS)), options.scrape_interval)
    end = time.time() // times.step * times.step
    source = Source(options.prometheus.rstrip("/"), end - seconds, end, times.step)
    for uid, board in dashboards().items():
        draw(board, source, times, options.directory / f"{uid}.png")


if __name__ == "__main__":
    main()
