"""What the command lines of the benchmarks share: progress, and the versions that were measured."""

import sys
from importlib.metadata import version


def say(line: str) -> None:
    """Says how far it is, at once; on standard error, since the report goes to standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def packages() -> str:
    """The versions of what every benchmark measures."""
    return ", ".join(f"{name} {version(name)}" for name in ("celery", "opentelemetry-sdk", "celery-otel"))
