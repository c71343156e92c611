"""The dashboards, one module for each, on shared variables, queries, panels and links."""

from collections.abc import Sequence

from grafana.dashboards import overview, pipeline, queues, resources, task, training, worker
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.board import Board


def boards(addresses: Addresses) -> Sequence[Board]:
    """Return all dashboards.

    Args:
        addresses: Where what they link to is.
    """
    made = (overview, task, worker, queues, training, resources, pipeline)
    return [module.board(addresses) for module in made]
