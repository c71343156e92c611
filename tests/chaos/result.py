"""What a round has shown: how much was compared, and what was lost where something may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """The figures of a round whose comparison came out as it must.

    Attributes:
        attempts: Attempts that the workers received.
        series: Series that were compared.
        spans: Spans that belong to these attempts.
        lost_receipts: Attempts received that no export told of, because MAIN was killed before the next one.
        lost_ends: Ended attempts that no export told of, for the same reason.
        lost_spans: Spans that were not exported, for the same reason; or that the collector had taken and lost.
        unexported: The longest time from the last export of a MAIN to its death, in seconds.
        kills: How many MAINs were killed.
        forgotten: Runs that Celery itself had given back to the broker, so that its MAIN never heard how they ended.
    """

    attempts: int
    series: int
    spans: int
    lost_receipts: int = 0
    lost_ends: int = 0
    lost_spans: int = 0
    unexported: float = 0.0
    kills: int = 0
    forgotten: int = 0

    def __str__(self) -> str:
        """The figures in words."""
        said = f"{self.attempts} attempts, {self.series} series and {self.spans} spans compared"
        if self.lost_spans and not self.kills:
            return f"{said}, all equal; {self.lost_spans} spans that the collector had taken are not in Jaeger"
        if not self.kills:
            forgotten = f" ({self.forgotten} runs of returned attempts)" * bool(self.forgotten)
            return f"{said}, all equal{forgotten}"
        lost = f"{self.lost_receipts} receipts, {self.lost_ends} ends and {self.lost_spans} spans"
        return f"{said}; {self.kills} kills lost {lost}, of {self.unexported:.1f} s at most"
