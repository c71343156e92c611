"""What processes hold, looked at again and again: private memory, descriptors, threads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Held:
    """What one process holds at one moment.

    Attributes:
        memory: Private memory (USS), in MB.
        descriptors: Open file descriptors.
        threads: Threads.
    """

    memory: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Held":
        """What it holds now.

        Raises:
            psutil.NoSuchProcess: It has ended.
        """
        process = psutil.Process(pid)
        with process.oneshot():
            return cls(process.memory_full_info().uss / MEGABYTE, process.num_fds(), process.num_threads())


@dataclass(frozen=True)
class Samples:
    """All that was seen, oldest first.

    Attributes:
        held: By the name of a process.
        series: How many there are in Prometheus.
    """

    held: dict[str, list[Held]] = field(default_factory=dict)
    series: list[int] = field(default_factory=list)

    def take(self, pids: Mapping[str, int], series: Callable[[], int]) -> None:
        """Look at everything once."""
        for name, pid in pids.items():
            self.held.setdefault(name, []).append(Held.of(pid))
        self.series.append(series())
