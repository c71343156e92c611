"""What a dashboard's JSON says, and its questions as Grafana would ask them.

Who tests or draws the dashboards reads them here, from the JSON alone: what Grafana gets is what is looked at.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JSON = Path(__file__).parent / "json"
ALL = "$__all"
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.*), (?P<label>\w+)\)")
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}]")
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")

#: Returns the values that a label has in the series of a selector.
AskLabel = Callable[[str, str], Sequence[str]]


@dataclass(frozen=True)
class Question:
    """One query of a panel.

    Attributes:
        name: Its letter.
        expression: In PromQL, with Grafana's variables.
        legend: What its series are called.
        instant: Whether it is asked for the end of the time shown only.
        exemplars: Whether exemplars are asked for, too.
    """

    name: str
    expression: str
    legend: str
    instant: bool
    exemplars: bool


@dataclass(frozen=True)
class Shown:
    """A panel.

    Attributes:
        board: The dashboard's uid.
        content: What the JSON says of it.
    """

    board: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.content["title"])

    @property
    def kind(self) -> str:
        """Its kind, as Grafana calls it; row for the title of a row."""
        return str(self.content["type"])

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Where it is: from the left, from the top, width, height."""
        grid = self.content["gridPos"]
        return grid["x"], grid["y"], grid["w"], grid["h"]

    @property
    def unit(self) -> str:
        """The unit of its values."""
        return str(self.content.get("fieldConfig", {}).get("defaults", {}).get("unit", ""))

    @property
    def questions(self) -> list[Question]:
        """Its queries."""
        return [_question(target) for target in self.content.get("targets", ())]


def _question(target: Mapping[str, Any]) -> Question:
    instant, exemplars = bool(target.get("instant")), bool(target.get("exemplar"))
    return Question(target["refId"], target["expr"], target.get("legendFormat", ""), instant, exemplars)


def dashboards(directory: Path = JSON) -> dict[str, dict[str, Any]]:
    """Return the contents of all dashboards, by uid."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}


def panels(board: Mapping[str, Any]) -> Iterator[Shown]:
    """Yield a dashboard's panels and rows from top to bottom."""
    yield from (Shown(board["uid"], panel) for panel in board["panels"])


@dataclass(frozen=True)
class Times:
    """The time that a dashboard shows.

    Attributes:
        seconds: How long it is.
        step: Seconds from one point of a graph to the next.
        scrape: Seconds from one scrape to the next.
    """

    seconds: float
    step: float
    scrape: float

    def variables(self) -> dict[str, str]:
        """Return Grafana's own variables; the window of rates is long enough for two scrapes, even if two fail."""
        window = max(self.step + self.scrape, 4 * self.scrape)
        return {
            "__rate_interval": f"{window:.0f}s",
            "__range": f"{self.seconds:.0f}s",
            "__interval": f"{self.step:.0f}s",
        }


def chosen(board: Mapping[str, Any], times: Times, ask: AskLabel) -> dict[str, str]:
    """Return the text of each variable of a dashboard where everything is chosen, as it is after an import.

    Args:
        board: The dashboard.
        times: What it shows.
        ask: Knows the labels; in the order of the variables, since one may depend on those before it.
    """
    values = times.variables()
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            values[variable["name"]] = _all_of(variable, values, ask)
    return values


def _all_of(variable: Mapping[str, Any], values: Mapping[str, str], ask: AskLabel) -> str:
    query = _LABEL_VALUES.fullmatch(variable["query"])
    if query is None:
        raise ValueError(f"the query of ${variable['name']} is no label_values: {variable['query']}")
    found = ask(substituted(query["selector"], values), query["label"])
    escaped = [_SPECIAL.sub(r"\\\\\g<0>", value) for value in found]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its variables replaced.

    Raises:
        KeyError: It has one that has no value.
    """
    return _VARIABLE.sub(lambda match: values[match[1] or match[2]], text)
