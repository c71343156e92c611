"""The way from the children to MAIN: garbage that a task writes into it, and whether another process reaches it."""

import errno
import subprocess
import sys
from pathlib import Path

from tests.attacks.target import Target
from tests.attacks.verdict import Verdict

#: Prints for each path what opening it for writing comes to: 0, or the number of the error.
_OPEN = """
import sys

for path in sys.argv[1:]:
    try:
        open(path, "wb").close()
        print(0)
    except OSError as error:
        print(error.errno)
"""


def attack(target: Target, tasks: int, datagrams: int, seed: int) -> Verdict:
    """Has tasks write garbage, so many datagrams each.

    Args:
        target: The worker.
        tasks: How many do.
        datagrams: How many each writes.
        seed: Decides what.
    """
    verdict = Verdict("garbage that a task writes into the way to MAIN", tasks * datagrams)
    for number in range(tasks):
        written = target.run("attack.garbage", seed + number, datagrams)
        verdict.hold(written == datagrams, f"{written} of {datagrams} datagrams were taken")
        verdict.hold(target.works(), "the worker ends")
    verdict.hold(not target.imbalance(), target.imbalance())
    samples = target.samples()
    errors = samples["celery_otel_hook_errors_total"]
    losses = samples["celery_otel_relay_losses_total"]
    verdict.hold(losses, "nothing of it is counted as garbage")
    verdict.remarks.append(f"{losses:g} counted in celery_otel_relay_losses_total, {errors:g} as errors of hooks")
    return verdict


def foreign(target: Target) -> Verdict:
    """Has another process, of the same user, look for the sockets of MAIN."""
    before = _sockets(target.worker.pid)
    argv = [sys.executable, "-c", _OPEN, *map(str, before)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    # A connection whose end MAIN has just answered may be gone by now.
    stayed = before.items() & _sockets(target.worker.pid).items()
    answers = {answer for one, answer in zip(before.items(), said, strict=True) if one in stayed}
    verdict = Verdict("another process opens the sockets of MAIN", len(stayed))
    verdict.hold(stayed, "there is no socket to be opened")
    verdict.hold({str(errno.ENXIO)} == answers, f"it can: {said}")
    verdict.remarks.append("the kernel refuses all: no socket has a name")
    return verdict


def _sockets(pid: int) -> dict[Path, str]:
    """Which descriptors of a process are sockets, and which ones."""
    targets = {path: _target(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
    return {path: target for path, target in targets.items() if target.startswith("socket:")}


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""
