"""What the page's charts are drawn from."""

from pydantic import BaseModel, Field


class ChartSeries(BaseModel):
    """A line."""

    label: str = Field(description="what it stands for, such as a status or a queue")
    points: list[tuple[float, float | None]] = Field(
        description="Unix time in seconds, and the value in the chart's unit; null where there is none"
    )


class Chart(BaseModel):
    """A chart."""

    name: str = Field(description="attempts, duration, queues or slots")
    title: str = Field(description="what it shows, in words")
    unit: str = Field(description="the unit of its values")
    series: list[ChartSeries] = Field(description="its lines, at most 8, those with the highest last values")


class Charts(BaseModel):
    """The last hour, as Prometheus knows it."""

    available: bool = Field(description="whether there is anything to draw")
    reason: str = Field(description="why not, and what to do; empty if there is")
    start: float = Field(description="the Unix time in seconds at which the charts begin")
    end: float = Field(description="the Unix time in seconds at which they end")
    step: float = Field(description="seconds between two points")
    charts: list[Chart] = Field(description="the charts; empty if there are none")
