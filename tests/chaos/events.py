"""What goes wrong in rounds: each event a few steps that the ledger's driver plays among the outcomes."""

from tests.chaos.event import Event
from tests.chaos.events_children import CHILDREN
from tests.chaos.events_network import NETWORK, black_hole
from tests.chaos.events_servers import SERVERS
from tests.chaos.events_workers import WORKERS

__all__ = ["AROUND", "EVENTS", "WITHIN", "Event", "black_hole"]

#: The plan knows what becomes of every attempt.
AROUND: tuple[Event, ...] = (*SERVERS, *NETWORK, *CHILDREN)
#: Only the workers' own logs know.
WITHIN: tuple[Event, ...] = WORKERS
EVENTS = (*AROUND, *WITHIN)
