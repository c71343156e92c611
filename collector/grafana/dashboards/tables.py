"""Tables: one row for each set of labels, one column for each question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.dashboards.panels import GRAPH_HEIGHT, Link, Query
from grafana.dashboards.units import WHOLE
from grafana.dashboards.variables import PROMETHEUS


@dataclass(frozen=True)
class Column:
    """A question to which each row has an answer.

    Attributes:
        name: Its head.
        unit: Of its values.
        expression: In PromQL; it has to keep exactly the labels of the rows.
    """

    name: str
    unit: str
    expression: str


def rows(title: str, description: str, labels: Mapping[str, str], *columns: Column, width: int = 12) -> table.Panel:
    """Return a table, sorted by its first column, the largest value first.

    Args:
        title: Its title.
        description: What it says.
        labels: The labels that make a row, and the heads of their columns.
        columns: The questions.
        width: Of 24.
    """
    panel = table.Panel().title(title).description(description).datasource(PROMETHEUS).unit(columns[0].unit)
    panel.height(GRAPH_HEIGHT).span(width).filterable(filterable=True).no_value("none")
    for index, column in enumerate(columns):
        panel.with_target(Query(column.expression).now(index).format(PromQueryFormat.TABLE))
        whole = [DynamicConfigValue("decimals", 0)] if column.unit == WHOLE else []
        panel.override_by_name(column.name, [DynamicConfigValue("unit", column.unit), *whole])
    panel.transformations(_one_table(labels, columns))
    return panel.sort_by([common.TableSortByFieldState().display_name(columns[0].name).desc(desc=True)])


def linked_rows(panel: table.Panel, head: str, *links: Link) -> table.Panel:
    """Return the table with links at the cells of a column."""
    made = [link.build() for link in links]
    cells = [{"title": link.title, "url": link.url, "targetBlank": link.target_blank} for link in made]
    return panel.override_by_name(head, [DynamicConfigValue("links", cells)])


def _one_table(labels: Mapping[str, str], columns: Sequence[Column]) -> list[DataTransformerConfig]:
    """Return how Grafana makes one table of the answers, whose values it calls after their questions."""
    values = ["Value"] if len(columns) == 1 else [f"Value #{chr(ord('A') + index)}" for index in range(len(columns))]
    heads = {**labels, **dict(zip(values, (column.name for column in columns), strict=True))}
    order = {name: index for index, name in enumerate(heads)}
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": heads}
    merged = [DataTransformerConfig(id_val="merge", options={})] if len(columns) > 1 else []
    return [*merged, DataTransformerConfig(id_val="organize", options=options)]
