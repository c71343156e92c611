"""What somebody who starts Flower should know: events that it needs or causes, and who can listen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from celery_otel.terminal.flower_access import Access

SWITCHED_ON = (
    "Flower tells every worker each 5 seconds to send events. They go on when Flower has ended, and double what a task "
    "costs the broker. Start workers with -E if you want that; give --enable_events=false if you do not."
)
NO_EVENTS = (
    "Flower shows the tasks of workers that send events only: start them with -E (worker_send_task_events is off)."
)
NOT_SENT = (
    "Flower does not see a task before a worker has received it, as task_send_sent_event is off in this application."
)
PLAIN = (
    "Passwords go over the network as they are, since there is no certificate. Put a proxy with TLS before Flower, or "
    "give --certfile and --keyfile."
)
OPEN_API = (
    "FLOWER_UNAUTHENTICATED_API lets every page that a browser on this machine shows stop workers and run tasks. Unset "
    "it, and use basic auth for programs that need Flower's API."
)


@dataclass(frozen=True, slots=True)
class Events:
    """What decides which events there are.

    Attributes:
        enabled_by_flower: Whether Flower switches them on.
        by_workers: Whether the application's workers send them by themselves.
        by_publishers: Whether the application's publishers do.
    """

    enabled_by_flower: bool
    by_workers: bool
    by_publishers: bool

    @classmethod
    def of(cls, options: Any, conf: Any) -> "Events":
        """Of Flower's options and the application's configuration."""
        return cls(bool(options.enable_events), bool(conf.worker_send_task_events), bool(conf.task_send_sent_event))


def notes(access: Access, events: Events) -> Iterator[str]:
    """Each thing to know, in a sentence or two."""
    if not events.by_workers:
        yield SWITCHED_ON if events.enabled_by_flower else NO_EVENTS
    if not events.by_publishers:
        yield NOT_SENT
    if not access.is_local and not access.tls:
        yield PLAIN
    if access.open_api and not access.has_login:
        yield OPEN_API
