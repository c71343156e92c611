"""A process and all its descendants, read together from the kernel.

Linux adds what a child has used to its parent when the parent has waited for it. So the sum over the living does not
change when a child goes, if it is taken in one piece: from parents to children, and again from the start when one of
them was gone before it was read.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from celery_otel import names
from celery_otel.metric import Metric
from celery_otel.resources.reading import Figures

TRIES = 5
"""How often a sum is begun anew because a process went in the middle of it."""

# What the system does not tell: for want of permission, or because this one cannot.
_UNTOLD = (psutil.AccessDenied, OSError, RuntimeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Used:
    """What processes have used since they began, with the children that they have waited for; None if it is not told.

    Attributes:
        cpu: CPU time, user and system, in seconds.
        read: Bytes read from disks.
        written: Bytes written to disks.
    """

    cpu: float
    read: int | None
    written: int | None


_NOTHING = Used(0.0, 0, 0)
_UNKNOWN = Used(0.0, None, None)


class ProcessTree:
    """A process and its descendants.

    Args:
        root: The process, as `psutil.Process`.
        descendants: Finds its descendants, parents first.
    """

    def __init__(self, root: Any, descendants: Callable[[], list[Any]]) -> None:
        self._root = root
        self._descendants = descendants
        self._members: list[Any] = []
        self._known: dict[Any, Used] = {}

    def used(self) -> Used | None:
        """What they have used by now; None if they come and go faster than they can be read."""
        for _ in range(TRIES):
            with suppress(psutil.NoSuchProcess):
                self._members = [self._root, *self._descendants()]
                self._known = {member: self._used_by(member) for member in self._members}
                return _total(self._known.values())
        return None

    def held(self) -> Figures:
        """Memory, open files, threads and number of those that were there when last asked for what they have used."""
        told = [figures for member in self._members if (figures := _told(member, _held_by)) is not None]
        return {names.PROCESS_COUNT: len(told), **_sums(told)}

    def private(self) -> Figures:
        """Their private memory: what would be free if they ended. It costs several times as much as all the rest."""
        return _sums([figures for member in self._members if (figures := _told(member, _private_of)) is not None])

    def _used_by(self, member: Any) -> Used:
        times = member.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        try:
            disk = member.io_counters()
        except (psutil.ZombieProcess, *_UNTOLD):
            # A child that has ended and is not waited for may hide it: as it was, until its parent has it.
            before = self._known.get(member) or (_NOTHING if _has_ended(member) else _UNKNOWN)
            return Used(cpu, before.read, before.written)
        return Used(cpu, disk.read_bytes, disk.write_bytes)


def _total(all_used: Iterable[Used]) -> Used:
    cpu, read, written = zip(*((used.cpu, used.read, used.written) for used in all_used), strict=True)
    return Used(sum(cpu), _sum(read), _sum(written))


def _sum(numbers: Iterable[int | None]) -> int | None:
    told = list(numbers)
    return None if None in told else sum(number for number in told if number is not None)


def _has_ended(member: Any) -> bool:
    return bool(member.status() == psutil.STATUS_ZOMBIE)


def _told(member: Any, ask: Callable[[Any], Mapping[Metric, int | None]]) -> Mapping[Metric, int | None] | None:
    """What a process tells; None if it has ended."""
    # Not `oneshot`: of what is asked here, hardly anything comes from the same file.
    with suppress(psutil.NoSuchProcess):
        return None if _has_ended(member) else ask(member)
    return None


def _held_by(member: Any) -> Mapping[Metric, int | None]:
    return {
        names.PROCESS_MEMORY: _if_told(lambda: member.memory_info().rss),
        names.PROCESS_OPEN_FILES: _if_told(member.num_fds),
        names.PROCESS_THREADS: _if_told(member.num_threads),
    }


def _private_of(member: Any) -> Mapping[Metric, int | None]:
    return {names.PROCESS_MEMORY_PRIVATE: _if_told(lambda: member.memory_full_info().uss)}


def _if_told(ask: Callable[[], int]) -> int | None:
    try:
        return ask()
    except _UNTOLD:
        return None


def _sums(told: list[Mapping[Metric, int | None]]) -> Figures:
    """The sums of those figures that every process tells: a sum of some would be a wrong one."""
    sums = {metric: _sum(figures[metric] for figures in told) for metric in (told[0] if told else ())}
    return {metric: value for metric, value in sums.items() if value is not None}
