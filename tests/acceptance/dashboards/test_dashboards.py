"""Every query of every panel has an answer, from a Prometheus that real workers, beat, API and collector fill."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_otel_pipeline.polling import wait_until
from grafana.reading import Question, Times, chosen, dashboards, panels, substituted
from grafana.render.picture import KINDS, draw
from grafana.render.source import Line, Source
from tests.acceptance.dashboards.scene import SCRAPE_SECONDS, Scene

DEADLINE = 120.0
SHOWN_SECONDS = 600.0
BOARDS = dashboards()
#: What has no answer here, and why.
EXCEPTIONS = {
    "celery_gpu_": "there is no GPU where the tests run",
    "celery_process_memory_limit_bytes": "the tests run without a memory limit, or not: the machine decides",
}
DRAWN = ("celery-overview", "celery-training", "celery-worker")
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All that the dashboards show, running."""
    with Scene(tmp_path_factory.mktemp("dashboards")) as running:
        yield running


def shown_now(scene: Scene, *, step: float = 2 * SCRAPE_SECONDS) -> tuple[Source, Times]:
    """What a dashboard shows that is opened now."""
    times = Times(SHOWN_SECONDS, step, SCRAPE_SECONDS)
    end = time.time()
    return Source(scene.prometheus.url, end - SHOWN_SECONDS, end, times.step), times


def has_an_answer(lines: list[Line]) -> bool:
    """Whether there is a number: a quantile of nothing is none."""
    return any(value == value for line in lines for _, value in line.points)  # noqa: PLR0124 - NaN differs from itself


def is_excused(question: Question) -> bool:
    """Whether there can be no answer here."""
    return any(name in question.expression for name in EXCEPTIONS)


def unanswered(scene: Scene, uid: str) -> list[str]:
    """Return the queries of a dashboard that have no answer yet, as Grafana asks them with everything chosen."""
    source, times = shown_now(scene)
    board = BOARDS[uid]
    values = chosen(board, times, source.label_values)
    silent = []
    for panel in panels(board):
        for question in panel.questions:
            expression = substituted(question.expression, values)
            lines = source.now(expression) if question.instant else source.over_time(expression)
            if not is_excused(question) and not has_an_answer(lines):
                silent.append(f"{panel.title} {question.name}: {expression}")
    return silent


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_query_of_every_panel_has_an_answer(scene: Scene, uid: str) -> None:
    """With all variables set as after an import, each query returns a number, but for the named exceptions."""
    left: list[str] = []

    def all_answered() -> bool:
        left[:] = unanswered(scene, uid)
        return not left

    wait_until(all_answered, deadline=DEADLINE, message=lambda: "\n".join(["no answer to", *left]), interval=1.0)


def test_one_choice_of_each_variable_narrows_the_answers(scene: Scene) -> None:
    """With one task and one service chosen, the rate by task has that task alone."""
    source, times = shown_now(scene)
    board = BOARDS["celery-task"]
    values = {**chosen(board, times, source.label_values), "task_name": "shop.order"}
    (panel,) = [panel for panel in panels(board) if panel.title == "Execution rate, by task"]
    lines = source.over_time(substituted(panel.questions[0].expression, values))
    assert [{"job": "playground", "task_name": "shop.order"}] == [line.labels for line in lines]


def test_durations_have_exemplars(scene: Scene) -> None:
    """The heatmap's query for exemplars finds attempts."""
    source, times = shown_now(scene)
    board = BOARDS["celery-task"]
    values = chosen(board, times, source.label_values)
    questions = [question for panel in panels(board) for question in panel.questions if question.exemplars]
    assert questions
    assert all(source.exemplars(substituted(question.expression, values)) for question in questions)


def test_every_exception_excuses_a_query() -> None:
    """No exception is there that no query needs any more."""
    questions = [question for board in BOARDS.values() for panel in panels(board) for question in panel.questions]
    assert set(EXCEPTIONS) == {name for name in EXCEPTIONS for question in questions if name in question.expression}


def test_every_kind_of_panel_can_be_drawn(scene: Scene, tmp_path: Path) -> None:
    """What draws the pictures of the documentation draws three dashboards that have panels of all kinds."""
    source, times = shown_now(scene, step=20)
    assert set(KINDS) == {panel.kind for uid in DRAWN for panel in panels(BOARDS[uid])} - {"row"}
    for uid in DRAWN:
        draw(BOARDS[uid], source, times, tmp_path / f"{uid}.png")
        assert (tmp_path / f"{uid}.png").read_bytes().startswith(PNG)
