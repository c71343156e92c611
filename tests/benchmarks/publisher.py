"""Publishes tasks: many at once, or one now and then.

`python -m tests.benchmarks.publisher 1000` prints what CPU time one message took; with `--pause 0.01` it waits between
them, and each bears the moment of its publishing.
"""

import argparse
import sys
import time

from tests.benchmarks.application import noop, stamp

#: Messages at the start that are not timed: they open the connection and fill the caches.
WARM_UP = 50


def publish(count: int) -> float:
    """Publish so many messages; return CPU seconds (user and system) per message."""
    start = time.process_time()
    for _ in range(count):
        noop.delay()
    return (time.process_time() - start) / count


def publish_apart(count: int, pause: float) -> None:
    """Publish so many messages, each with the moment of its publishing, at least `pause` seconds apart."""
    for _ in range(count):
        stamp.delay(time.time())
        time.sleep(pause)


def main() -> None:
    """Publish as many messages as the command line says, the first ones untimed."""
    parser = argparse.ArgumentParser(description="Publish tasks.")
    parser.add_argument("count", type=int)
    parser.add_argument("--pause", type=float, default=0.0)
    options = parser.parse_args()
    if options.pause:
        publish_apart(options.count, options.pause)
        return
    publish(WARM_UP)
    sys.stdout.write(f"{publish(options.count - WARM_UP):.9f}\n")


if __name__ == "__main__":
    main()
