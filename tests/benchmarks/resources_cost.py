"""What one reading of the resource monitor costs: `python -m tests.benchmarks.resources_cost`.

The children are forked from a process that has loaded what a worker has, and each makes some memory its own.
"""

import argparse
import gc
import os
import signal
import statistics
import sys
import time

import psutil

from celery_otel.resources.cgroup import MemoryLimit
from celery_otel.resources.descendants import Descendants
from celery_otel.resources.meter import Meter
from celery_otel.resources.tree import ProcessTree
from celery_otel.settings import Settings
from celery_otel.telemetry.exporters import preload

INTERVAL = 30.0


def child(megabytes: int) -> int:
    """A child that has so much memory of its own, and waits."""
    pid = os.fork()
    if pid == 0:
        held = bytearray(os.urandom(1) * (megabytes << 20))
        signal.pause()
        os._exit(len(held) % 1)
    return pid


def milliseconds(call: object, times: int) -> float:
    """The median CPU time of a call on this thread, in milliseconds."""
    assert callable(call)
    spent = []
    for _ in range(times):
        before = time.thread_time()
        call()
        spent.append(time.thread_time() - before)
    return 1000 * statistics.median(spent)


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=32)
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--readings", type=int, default=20)
    asked = parser.parse_args()
    preload(Settings.read({}))
    gc.freeze()
    children = [child(asked.megabytes) for _ in range(asked.children)]
    time.sleep(2)
    main = psutil.Process()
    descendants = Descendants(main)
    tree = ProcessTree(main, descendants)
    meter = Meter(tree, MemoryLimit(), dict)
    meter.read()
    parts = {
        "finding the descendants": milliseconds(descendants, asked.readings),
        "that, CPU and disk": milliseconds(tree.used, asked.readings),
        "memory, files, threads": milliseconds(tree.held, asked.readings),
        "private memory": milliseconds(tree.private, asked.readings),
        "limit": milliseconds(MemoryLimit(), asked.readings),
        "a reading, private memory spared": milliseconds(meter.read, asked.readings),
    }
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    lines = [
        f"{name:34} {value:7.2f} ms  {value / INTERVAL / 10:.4f} % of a core at 30 s" for name, value in parts.items()
    ]
    sys.stdout.write(
        f"{asked.children} children of {asked.megabytes} MB each, {len(psutil.pids())} processes on the machine\n"
        + "\n".join(lines)
        + "\n"
    )


if __name__ == "__main__":
    main()
