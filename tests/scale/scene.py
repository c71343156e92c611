"""The ledger's two workers, each with an agent of its own."""

from pathlib import Path
from typing import cast

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.scene import Pipeline, Scene
from tests.scale.tier import Tier


class TwoHosts(Scene):
    """A scene whose workers export to different agents, as if they were on different hosts.

    Args:
        tier: The agents and what is behind them.
        conditions: How the workers run.
        directory: Where logs and data go.
    """

    def __init__(self, tier: Tier, conditions: Conditions, directory: Path) -> None:
        self.tier = tier
        # A tier is no pipeline, but does all that a scene asks of one.
        super().__init__(cast("Pipeline", tier), conditions, directory)

    def of_worker(self, name: str) -> dict[str, str]:
        """What one worker alone finds in its environment: its own agent."""
        place = 0 if name == "first" else 1
        return {**super().of_worker(name), "OTEL_EXPORTER_OTLP_ENDPOINT": self.tier.taps[place].endpoint}
