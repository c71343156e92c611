"""Judges samples: what was held in the first fifth after the warm-up, beside the last fifth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.soak.samples import Held, Samples

#: The share of a run in which caches fill.
WARM_UP = 1 / 3
#: How much more memory a process of ours may hold in the end.
FLAT = 0.02
_FIFTHS = 5


@dataclass(frozen=True)
class Change:
    """The median of the first fifth and of the last one."""

    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Change":
        """Of all values of a run; what belongs to the warm-up is left out."""
        warm = values[int(len(values) * WARM_UP) :]
        fifth = max(1, len(warm) // _FIFTHS)
        return cls(median(warm[:fifth]), median(warm[-fifth:]))

    @property
    def growth(self) -> float:
        """How much more the last is, as a share of the first."""
        return self.last / self.first - 1 if self.first else float(self.last > 0)


@dataclass(frozen=True)
class Kept:
    """What became of one process."""

    memory: Change
    descriptors: Change
    threads: Change

    @classmethod
    def of(cls, held: Sequence[Held]) -> "Kept":
        """Of all that it held."""
        reads: tuple[Callable[[Held], float], ...] = (
            lambda one: one.memory,
            lambda one: one.descriptors,
            lambda one: one.threads,
        )
        return cls(*(Change.of([read(one) for one in held]) for read in reads))


def kept(samples: Samples) -> dict[str, Kept]:
    """What became of every process, by name."""
    return {name: Kept.of(held) for name, held in samples.held.items()}


def growing(samples: Samples, ours: Callable[[str], bool], flat: float = FLAT) -> Iterator[str]:
    """A line for everything of ours that has grown.

    Args:
        samples: What was seen.
        ours: Tells of the name of a process whether it is one of ours: others are shown and not judged.
        flat: How much more memory may be held, as a share.
    """
    for name, one in kept(samples).items():
        if ours(name):
            yield from _growing(name, one, flat)
    series = Change.of(samples.series)
    if series.growth > 0:
        yield f"series grew from {series.first:g} to {series.last:g}"


def _growing(name: str, one: Kept, flat: float) -> Iterator[str]:
    if one.memory.growth > flat:
        yield f"{name}: memory grew by {one.memory.growth:.1%}, from {one.memory.first:.2f} to {one.memory.last:.2f} MB"
    for what, change in (("descriptors", one.descriptors), ("threads", one.threads)):
        if change.growth > 0:
            yield f"{name}: {what} grew from {change.first:g} to {change.last:g}"
