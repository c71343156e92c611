"""Draws where the time of a worker's MAIN goes, as a flame graph: `make flame` (needs leave to trace other processes).

The worker exports metrics and all spans, and its queue is full. The sampler, py-spy, gets an environment of its own.
"""

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.comparison import WARM_UP, collecting
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.monitors import Environment
from tests.benchmarks.variants import VARIANTS

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "flame.svg"
TASKS = 6000
RATE = 250
"""Samples in a second."""
TITLE = "MAIN of a prefork worker at full rate, metrics and all spans; blue: celery-otel"
_BLUE = "rgb(110,160,230)"
_HEADING = re.compile(r'(<text id="title"[^>]*>)[^<]*')
_OURS = re.compile(r'(<title>[^<]*celery_otel/[^<]*</title><rect [^>]*?fill=")[^"]*')


def draw(picture: Path, tasks: int = TASKS) -> None:
    """Profiles a worker while it runs so many tasks.

    Args:
        picture: Where the graph is written, as SVG.
        tasks: How many.

    Raises:
        CalledProcessError: py-spy failed; what it printed says why.
    """
    (spans,) = [variant for variant in VARIANTS if variant.key == "spans"]
    with tempfile.TemporaryDirectory(prefix="celery-otel-flame-") as name, collecting() as collector:
        endpoint = collector.otlp_http_endpoint
        with Contestant(spans, otlp_endpoint=endpoint, directory=Path(name)) as contestant:
            contestant.run(WARM_UP)
            sampler = subprocess.Popen(_sampler(contestant.pid, picture))
            contestant.run(tasks)
            sampler.send_signal(signal.SIGINT)
            if sampler.wait():
                raise subprocess.CalledProcessError(sampler.returncode, sampler.args)
    picture.write_text(_told_apart(picture.read_text()))


def _told_apart(graph: str) -> str:
    """The graph with a title of its own instead of a command line, and with our frames in one colour."""
    return _OURS.sub(rf"\g<1>{_BLUE}", _HEADING.sub(rf"\g<1>{TITLE}", graph, count=1))


def _sampler(pid: int, picture: Path) -> list[str]:
    program = Path(Environment("py-spy", "py-spy").python()).with_name("py-spy")
    # Not blocking: it would stop MAIN for each sample, as the benchmark itself does while it fills the queue.
    options = ["--pid", str(pid), "--rate", str(RATE), "--nonblocking", "--duration", "unlimited"]
    return [str(program), "record", *options, "--format", "flamegraph", "--output", str(picture)]


if __name__ == "__main__":
    draw(PICTURE)
    sys.stdout.write(f"{PICTURE}\n")
