"""One dashboard: rows of panels, with its variables and links."""

import json
from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from grafana.dashboards import variables
from grafana.dashboards.addresses import Addresses
from grafana.dashboards.links import TAG, between_dashboards
from grafana.dashboards.panels import Panel


class Board:
    """A dashboard that is being made.

    Args:
        uid: Names it in addresses and in the alerts' links; it never changes.
        title: Its title.
        description: Which questions it answers.
        addresses: Where what it links to is.
        choices: Its variables, after that of the Prometheus.
    """

    def __init__(
        self, uid: str, title: str, description: str, addresses: Addresses, choices: Sequence[variables.Variable]
    ) -> None:
        self.uid = uid
        self._panels = 0
        self._made = builders.Dashboard(title).uid(uid).description(description).tags([TAG, "celery-otel"])
        self._made.timezone("browser").editable().time("now-1h", "now").refresh("30s")
        self._made.tooltip(DashboardCursorSync.CROSSHAIR).links(list(between_dashboards()))
        self._made.variables([variables.datasource(), *choices, *variables.constants(addresses)])

    def row(self, title: str, *panels: Panel) -> None:
        """Add a row: its title, and panels from left to right, which go on below where they reach the right edge."""
        self._made.with_row(builders.Row(title).id(self._next()))
        for panel in panels:
            panel.build().id_val = self._next()
            self._made.with_panel(panel)

    def json(self) -> str:
        """Return it as Grafana reads it."""
        return json.dumps(self._made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"

    def content(self) -> dict[str, Any]:
        """Return what its JSON says."""
        content: dict[str, Any] = json.loads(self.json())
        return content

    def _next(self) -> int:
        self._panels += 1
        return self._panels
