"""Which way the records of a worker's tasks go, by its pool."""

from typing import Any

from celery_otel.relay import DirectRelay, Noted, Relay


def carrier_for(pool_cls: Any, noted: Noted) -> Relay | DirectRelay:
    """What carries records to MAIN: sockets from the children of a prefork pool, else a plain call.

    To be made before the pool is.

    Args:
        pool_cls: The class of the worker's pool.
        noted: Takes what was lost on the way or noted in a child, and how often.
    """
    bases = getattr(pool_cls, "__mro__", ())
    forks = any(base.__module__ == "celery.concurrency.prefork" for base in bases)
    return Relay(noted) if forks else DirectRelay(noted)
