"""A clock of the workers' own that is set forward and back: libfaketime, for their processes alone."""

from pathlib import Path

#: Where Debian's package libfaketime puts it.
_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class SteppedClock:
    """What a process takes for the time of day; the clock that never jumps stays as it is.

    Args:
        file: Says how far it is off; read anew at each look at the clock.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @staticmethod
    def missing() -> str:
        """Why none can be had here; empty if one can."""
        return "" if _LIBRARIES else "there is no libfaketime (Debian: apt-get install libfaketime)"

    @property
    def environment(self) -> dict[str, str]:
        """What the processes find in their environment; the clock is right until it is set."""
        self.set(0)
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Set it so many seconds off."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # At once: a reader must not find half a word.
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.replace(self._file)
