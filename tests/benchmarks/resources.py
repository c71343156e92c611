"""What a worker has used: time, and private memory of MAIN and of its pool's children."""

from dataclasses import dataclass
from typing import Self

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Cpu:
    """CPU time, user and system, in seconds.

    Attributes:
        main: Of MAIN.
        children: Of its children together, those included that have ended.
    """

    main: float
    children: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """What the worker with this MAIN has used until now."""
        process = psutil.Process(pid)
        living = sum(_own(child) for child in process.children(recursive=True))
        times = process.cpu_times()
        return cls(times.user + times.system, living + times.children_user + times.children_system)

    @property
    def total(self) -> float:
        """Of all processes."""
        return self.main + self.children

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.main + other.main, self.children + other.children)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.main - other.main, self.children - other.children)

    def __truediv__(self, count: int) -> "Cpu":
        return Cpu(self.main / count, self.children / count)


@dataclass(frozen=True)
class Spent:
    """What some tasks took.

    Attributes:
        cpu: CPU time, until the worker had nothing more to do for them.
        seconds: Time on the clock, until their queue was empty.
        monitor: CPU time of a monitor beside the worker, in seconds.
    """

    cpu: Cpu
    seconds: float
    monitor: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.cpu + other.cpu, self.seconds + other.seconds, self.monitor + other.monitor)

    def __truediv__(self, count: int) -> "Spent":
        return Spent(self.cpu / count, self.seconds / count, self.monitor / count)


NOTHING = Spent(Cpu(0, 0), 0)


def used(pid: int) -> float:
    """CPU seconds that a process and its children have used until now."""
    return Cpu.of(pid).total


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


@dataclass(frozen=True)
class Memory:
    """Private memory (USS: what would be free if the process ended), in megabytes.

    Attributes:
        main: Of MAIN.
        child: Of one child, on average.
    """

    main: float
    child: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """What the worker with this MAIN holds now."""
        process = psutil.Process(pid)
        children = [_private(child) for child in process.children(recursive=True)]
        return cls(_private(process), sum(children) / len(children))


def _private(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / MEGABYTE
