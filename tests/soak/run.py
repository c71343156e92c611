"""One soak: everything runs for so long, is looked at again and again, and is compared with its plan in the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.soak.mix import attempts, planned
from tests.soak.samples import Samples
from tests.soak.scene import SERVERS, Soak
from tests.soak.verdict import FLAT, growing

#: How often everything is looked at, at most, and the least seconds in between: private memory takes a while to read.
LOOKS, INTERVAL = 240, 1.0


@dataclass(frozen=True)
class Soaked:
    """What came of a soak.

    Attributes:
        seconds: How long the publisher was at it.
        attempts: How many were planned, all of which the workers have run.
        samples: What was held meanwhile.
        unequal: A line for each count that is not as planned.
        bare: Whether it was Celery alone.
    """

    seconds: float
    attempts: int
    samples: Samples
    unequal: list[str]
    bare: bool

    def wrong(self, flat: float = FLAT) -> list[str]:
        """A line for everything that has grown, and for each count that is not as planned."""
        return [*growing(self.samples, lambda name: name not in SERVERS, flat), *self.unequal]


def soak(seconds: float, directory: Path, *, bare: bool = False, progress: Callable[[str], None]) -> Soaked:
    """Run for so long, and compare.

    Args:
        seconds: How long tasks are published.
        directory: For data and logs.
        bare: Whether the workers run without celery-otel.
        progress: Called with a line now and then.
    """
    with Soak(directory, bare=bare) as scene:
        begin, samples = time.monotonic(), Samples()
        _look_until(scene, samples, begin + seconds, seconds, progress)
        took = time.monotonic() - begin
        rounds = scene.finish()
        progress(f"{rounds} rounds, {attempts(planned(rounds))} attempts in {took:.0f} s: comparing")
        return Soaked(took, attempts(planned(rounds)), samples, scene.wrong(rounds), bare)


def _look_until(scene: Soak, samples: Samples, end: float, seconds: float, progress: Callable[[str], None]) -> None:
    pause = max(INTERVAL, seconds / LOOKS)
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        samples.take(scene.processes(), scene.series)
        if len(samples.series) % 20 == 0:
            mains = (held[-1].memory for name, held in samples.held.items() if "child" not in name)
            progress(f"{left:.0f} s left; MB of publisher, MAINs and servers: {', '.join(f'{mb:.1f}' for mb in mains)}")
