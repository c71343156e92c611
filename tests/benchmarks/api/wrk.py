"""Load by `wrk`, and what it says of it."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
"""Each sends its next request when the last is answered."""

_SCRIPT = """
local requests, number = {}, 0
function init(arguments)
  for path in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\nmeasured {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class LoadError(RuntimeError):
    """The load could not be made, or was not answered."""


@dataclass(frozen=True)
class Load:
    """How a load was answered. Times in seconds.

    Attributes:
        requests: How many were answered.
        seconds: How long it lasted.
        p50: The median of the time to an answer.
        p99: Its 99th percentile.
        failed: Requests with another status than success, or no answer.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def program() -> str:
    """The path of wrk.

    Raises:
        LoadError: It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("wrk is not installed: the package is called wrk (apt-get install wrk). Then repeat this.")
    return found


def load(address: str, paths: Sequence[str], *, seconds: int, directory: Path) -> Load:
    """Asks for paths in turn, over `CONNECTIONS` connections.

    Args:
        address: Of the service, such as `http://127.0.0.1:8000`.
        paths: What is asked for.
        seconds: How long.
        directory: For the script.

    Raises:
        LoadError: wrk is not there, or failed.
    """
    script, asked = directory / "load.lua", directory / "paths.txt"
    script.write_text(_SCRIPT, encoding="utf-8")
    asked.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    argv = [program(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    argv += ["-s", str(script), address, "--", str(asked)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    _, found, measured = done.stdout.partition("\nmeasured ")
    if not found:
        raise LoadError(f"wrk ended with status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return Load(**json.loads(measured))
