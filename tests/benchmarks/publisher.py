"""Publishes no-op tasks and prints what CPU time one message took: `python -m tests.benchmarks.publisher 1000`."""

import sys
import time

from tests.benchmarks.application import noop

#: Messages at the start that are not timed: they open the connection and fill the caches.
WARM_UP = 50


def publish(count: int) -> float:
    """Publish so many messages; return CPU seconds (user and system) per message."""
    start = time.process_time()
    for _ in range(count):
        noop.delay()
    return (time.process_time() - start) / count


def main() -> None:
    """Publish as many messages as the command line says, the first ones untimed."""
    count = int(sys.argv[1])
    publish(WARM_UP)
    sys.stdout.write(f"{publish(count - WARM_UP):.9f}\n")


if __name__ == "__main__":
    main()
