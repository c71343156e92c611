"""The kinds of panels, each with what all of its kind share: what it asks, how it is drawn, which links it has."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    gauge,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.dashboards.units import COUNT, RATIO, SECONDS, WHOLE
from grafana.dashboards.variables import PROMETHEUS

Panel = Builder[models.Panel]
Link = builders.DashboardLink

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
OUTCOMES = {
    "success": GREEN,
    "failure": RED,
    "retry": YELLOW,
    "revoked": "purple",
    "rejected": "orange",
    "ignored": BLUE,
}
NUMBER_WIDTH, NUMBER_HEIGHT = 4, 4
GRAPH_HEIGHT = 8
#: From where a share of busy slots, and one of failures, is worth a look, and from where it is bad.
BUSY_LEVELS = (0.8, 0.95)


@dataclass(frozen=True)
class Query:
    """One question of a panel.

    Attributes:
        expression: In PromQL, with Grafana's variables.
        legend: What its series are called, with labels in double braces.
        exemplars: Whether single observations are shown with the way to their traces.
    """

    expression: str
    legend: str = ""
    exemplars: bool = False

    def over_time(self, number: int) -> prometheus.Dataquery:
        """Return it for the whole time that is shown."""
        return self._asked(number).range().exemplar(exemplar=self.exemplars)

    def now(self, number: int) -> prometheus.Dataquery:
        """Return it for the end of the time that is shown."""
        return self._asked(number).instant()

    def _asked(self, number: int) -> prometheus.Dataquery:
        asked = prometheus.Dataquery().expr(self.expression).datasource(PROMETHEUS).ref_id(chr(ord("A") + number))
        return asked.legend_format(self.legend or "__auto")


def levels(good: str, *steps: tuple[float, str]) -> builders.ThresholdsConfig:
    """Return thresholds: a color, and others from certain values on."""
    marks = [models.Threshold(value=None, color=good), *(models.Threshold(value=at, color=to) for at, to in steps)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(marks)


def alarm_from(value: float) -> builders.ThresholdsConfig:
    """Return thresholds that are green below a value, and red from there."""
    return levels(GREEN, (value, RED))


def number(title: str, description: str, unit: str, *queries: Query, width: int = NUMBER_WIDTH) -> stat.Panel:
    """Return a panel of single numbers: what is now, or was in the whole time that is shown."""
    panel = stat.Panel().title(title).description(description).datasource(PROMETHEUS).unit(unit)
    panel.height(NUMBER_HEIGHT).span(width).targets([query.now(index) for index, query in enumerate(queries)])
    panel.reduce_options(_last()).graph_mode(values.BigValueGraphMode.NONE)
    panel.color_mode(values.BigValueColorMode.VALUE).thresholds(levels(BLUE)).no_value("none")
    if unit == WHOLE:
        # An increase is worked out from samples, and is not whole though what it counts is.
        panel.decimals(0)
    many = len(queries) > 1
    return panel.text_mode(values.BigValueTextMode.VALUE_AND_NAME if many else values.BigValueTextMode.VALUE)


def dial(title: str, description: str, query: Query, *, width: int = NUMBER_WIDTH) -> gauge.Panel:
    """Return a gauge from 0 to 100 %."""
    panel = gauge.Panel().title(title).description(description).datasource(PROMETHEUS).unit(RATIO)
    panel.height(NUMBER_HEIGHT).span(width).with_target(query.now(0)).min(0).max(1).reduce_options(_last())
    high, full = BUSY_LEVELS
    return panel.thresholds(levels(GREEN, (high, YELLOW), (full, RED))).no_value("none")


def graph(title: str, description: str, unit: str, *queries: Query, width: int = 12) -> timeseries.Panel:
    """Return lines over time."""
    panel = timeseries.Panel().title(title).description(description).datasource(PROMETHEUS).unit(unit)
    panel.height(GRAPH_HEIGHT).span(width).targets([query.over_time(index) for index, query in enumerate(queries)])
    panel.axis_soft_min(0).line_width(1).fill_opacity(10).show_points(values.VisibilityMode.AUTO).span_nulls(
        span_nulls=False
    )
    tooltip = common.VizTooltipOptions().mode(values.TooltipDisplayMode.MULTI).sort(values.SortOrder.DESCENDING)
    return panel.tooltip(tooltip.hide_zeros(hide_zeros=True)).legend(_legend())


def stacked(title: str, description: str, unit: str, *queries: Query, width: int = 12) -> timeseries.Panel:
    """Return areas over time, one upon the other: parts that make a whole."""
    stacking = common.StackingConfig().mode(values.StackingMode.NORMAL).group("A")
    return graph(title, description, unit, *queries, width=width).stacking(stacking).fill_opacity(40)


def bars(title: str, description: str, unit: str, *queries: Query, width: int = 12) -> timeseries.Panel:
    """Return bars over time: how many of something that happens now and then."""
    panel = stacked(title, description, unit, *queries, width=width)
    return panel.draw_style(values.GraphDrawStyle.BARS).fill_opacity(80)


def by_outcome(panel: timeseries.Panel) -> timeseries.Panel:
    """Return the panel with each status in the color that it always has."""
    for status, color in OUTCOMES.items():
        fixed = {"mode": models.FieldColorModeId.FIXED.value, "fixedColor": color}
        panel.override_by_name(status, [models.DynamicConfigValue("color", fixed)])
    return panel


def heat(title: str, description: str, query: Query, *, unit: str = SECONDS, width: int = 12) -> heatmap.Panel:
    """Return a histogram over time: how many observations of which size."""
    panel = heatmap.Panel().title(title).description(description).datasource(PROMETHEUS).unit(unit)
    panel.height(GRAPH_HEIGHT).span(width).with_target(query.over_time(0).format(PromQueryFormat.HEATMAP))
    panel.calculate(calculate=False).y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(values.AxisPlacement.LEFT))
    panel.color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64).exponent(0.5))
    panel.cell_values(heatmap.CellValues().unit(COUNT)).filter_values(heatmap.FilterValueRange().le(1e-9))
    panel.rows_frame(heatmap.RowsHeatmapOptions().layout(values.HeatmapCellLayout.AUTO).value("attempts"))
    return panel.show_color_scale(show_color_scale=True).exemplars_color("rgba(31,120,193,0.9)").cell_gap(1)


def ranking(title: str, description: str, unit: str, query: Query, *, width: int = 8) -> bargauge.Panel:
    """Return horizontal bars, one for each series: what is now, or was in the whole time that is shown."""
    panel = bargauge.Panel().title(title).description(description).datasource(PROMETHEUS).unit(unit).min(0)
    panel.height(GRAPH_HEIGHT).span(width).with_target(query.now(0)).reduce_options(_last()).no_value("none")
    return panel.orientation(values.VizOrientation.HORIZONTAL).thresholds(levels(BLUE))


def states(title: str, description: str, query: Query, *, width: int = 12) -> statetimeline.Panel:
    """Return bars over time that say when something was up (1) and when down (0)."""
    panel = statetimeline.Panel().title(title).description(description).datasource(PROMETHEUS).unit(COUNT)
    panel.height(GRAPH_HEIGHT).span(width).with_target(query.over_time(0)).mappings([up_or_down()])
    panel.thresholds(levels(RED, (1, GREEN))).color_scheme(_by_threshold()).legend(_legend())
    return panel.show_value(values.VisibilityMode.NEVER).merge_values(merge_values=True).fill_opacity(80).line_width(0)


def up_or_down() -> models.ValueMap:
    """Return the words for 1 and 0."""
    up = models.ValueMappingResult(text="up", color=GREEN, index=0)
    return models.ValueMap({"1": up, "0": models.ValueMappingResult(text="down", color=RED, index=1)})


def linked(panel: timeseries.Panel, *links: Link) -> timeseries.Panel:
    """Return the panel with links at its lines."""
    return panel.data_links(_built(links))


def _built(links: Sequence[Link]) -> list[Builder[models.DashboardLink]]:
    return list(links)


def _by_threshold() -> builders.FieldColor:
    return builders.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(show_legend=True).display_mode(values.LegendDisplayMode.LIST)
    return legend.placement(values.LegendPlacement.BOTTOM)
