"""Lets a program that a task starts as a subprocess take part in the task."""

import os
from collections.abc import Mapping
from typing import Any

from celery_otel.inheritance import bequeathed
from celery_otel.workplace import workplace


def subprocess_options(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The keyword arguments with which `subprocess.run` lets a program take part in the task that starts it.

    `subprocess.run([sys.executable, "train.py"], **celery_otel.subprocess_options())`: what `train.py` trains is then
    a run of the task. Outside of a task they change nothing.

    Args:
        env: The environment of the program, if not that of this process.

    Returns:
        `env` and `pass_fds`.
    """
    environment = dict(os.environ if env is None else env)
    place = workplace()
    descriptor = None if place is None else place.writer_fileno()
    if place is None or descriptor is None:
        return {"env": environment, "pass_fds": ()}
    return {"env": environment | bequeathed(descriptor, place.span), "pass_fds": (descriptor,)}
