"""What `celery_otel` offers beside a version of Celery that it does not know: it says so, and that is all."""

import logging
import re

import celery

logger = logging.getLogger("celery_otel")

OLDEST, BEYOND = (5, 4), (6, 0)
"""The versions of Celery that are supported: from the first, below the second."""
_NUMBERS = re.compile(r"(\d+)\.(\d+)")


def is_supported(version: str) -> bool:
    """Whether a version of Celery is supported; one whose numbers cannot be read is taken for one that is."""
    found = _NUMBERS.match(version)
    return found is None or OLDEST <= (int(found[1]), int(found[2])) < BEYOND


def instrument(app: object, *, settings: object = None) -> None:  # noqa: ARG001  # as the real one takes it
    """Instruments nothing, and says why."""
    logger.error(
        "celery-otel instruments nothing: Celery %s is not supported, and its numbers could be wrong. "
        "Install celery>=5.4,<6, or a celery-otel that supports it.",
        celery.__version__,
    )


def setup_celery_metrics(app: object) -> None:
    """The same under the name of the monitoring guide."""
    instrument(app)


def uninstrument(app: object) -> None:
    """Does nothing: there is nothing to take back."""
