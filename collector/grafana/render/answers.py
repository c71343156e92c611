"""What a panel's questions are answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grafana.reading import Shown, substituted
from grafana.render.source import Line, Source
from grafana.render.words import named


@dataclass(frozen=True)
class Answers:
    """What Prometheus says to a panel.

    Attributes:
        panel: The panel.
        begin: The beginning of the time shown, in seconds since 1970.
        end: Its end.
        named: Its series with their names, in the order of its questions.
        asked: For each series the letter of its question.
        marks: Single observations: when, and how large.
    """

    panel: Shown
    begin: float
    end: float
    named: list[tuple[str, Line]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    marks: list[tuple[float, float]] = field(default_factory=list)

    @property
    def latest(self) -> list[tuple[str, float]]:
        """The last value of each series."""
        return [(name, line.points[-1][1]) for name, line in self.named if line.points]


def answered(panel: Shown, values: Mapping[str, str], source: Source) -> Answers:
    """Ask what a panel asks; raises as `Source` does."""
    answers = Answers(panel, source.start, source.end)
    for question in panel.questions:
        expression = substituted(question.expression, values)
        lines = source.now(expression) if question.instant else source.over_time(expression)
        answers.named.extend((named(question.legend, line.labels), line) for line in lines)
        answers.asked.extend(question.name for _ in lines)
        if question.exemplars:
            answers.marks.extend(source.exemplars(expression))
    return answers
