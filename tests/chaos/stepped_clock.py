"""A clock of the workers' own that is set forward and back: for their processes alone, see stepped_clock.c."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class SteppedClock:
    """What a process takes for the time of day; the clocks that never jump stay as they are.

    Args:
        directory: For the library, and for the file that says how far the clock is off; read at each look at it.
    """

    def __init__(self, directory: Path) -> None:
        self._library = directory / "stepped_clock.so"
        self._offset = directory / "offset"

    @staticmethod
    def missing() -> str:
        """Why none can be had here; empty if one can."""
        return "" if shutil.which("cc") else "there is no C compiler (Debian: gcc)"

    @property
    def environment(self) -> dict[str, str]:
        """What the processes find in their environment; the clock is right until it is set."""
        self.set(0)
        argv = ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(_SOURCE), "-ldl"]
        subprocess.run(argv, check=True, capture_output=True, text=True)
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Set it so many seconds off."""
        self._offset.parent.mkdir(parents=True, exist_ok=True)
        # At once: a reader must not find half a word.
        new = self._offset.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._offset)
