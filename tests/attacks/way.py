"""The way from the children to MAIN: garbage that a task writes into it, and whether another process reaches it."""

import errno
import subprocess
import sys
from pathlib import Path

from tests.attacks.target import Target
from tests.attacks.verdict import Verdict

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
    descriptors = Path(f"/proc/{target.worker.pid}/fd")
    sockets = [str(one) for one in descriptors.iterdir() if _is_socket(one)]
    verdict = Verdict("another process opens the sockets of MAIN", len(sockets))
    argv = [sys.executable, "-c", _OPEN, *sockets]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    verdict.hold(sockets, "there is no socket to be opened")
    verdict.hold({str(errno.ENXIO)} == set(said), f"it can: {said}")
    verdict.remarks.append("the kernel refuses all: no socket has a name")
    return verdict


def _is_socket(path: Path) -> bool:
    try:
        return str(path.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False
