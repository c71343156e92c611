"""A limit of memory that one process is put under, so that the kernel kills it for want of memory: a control group."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
#: More than a process asks for between the limit and its death, and less than a task may take unharmed, in bytes.
LIMIT = 16 * 1024 * 1024


class MemoryLimit:
    """A control group with a limit; what a process took before it came counts elsewhere."""

    def __init__(self) -> None:
        self._group = _root() / f"celery-otel-chaos-{os.getpid()}"

    @staticmethod
    def missing() -> str:
        """Why none can be had here; empty if one can."""
        probe = _root() / f"celery-otel-probe-{os.getpid()}"
        try:
            probe.mkdir()
        except OSError as error:
            return f"no control group of memory can be made: {error}"
        there = (probe / _limit_file()).exists()
        probe.rmdir()
        return "" if there else "control groups here do not limit memory"

    def hold(self, pid: int) -> None:
        """Put a process under the limit."""
        (self._group / "cgroup.procs").write_text(str(pid))

    def __enter__(self) -> Self:
        self._group.mkdir()
        (self._group / _limit_file()).write_text(str(LIMIT))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # One that still has a dying process in it cannot be removed, and does no harm.
        with contextlib.suppress(OSError):
            self._group.rmdir()


def _root() -> Path:
    return _V1 if _V1.is_dir() else _V2


def _limit_file() -> str:
    return "memory.limit_in_bytes" if _V1.is_dir() else "memory.max"
