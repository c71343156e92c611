"""What the demo prints where there is no terminal."""

from io import StringIO

from docs.examples.demo.driver.comparison import LABELS, Row
from docs.examples.demo.driver.display import TITLES, Progress, Screen
from docs.examples.demo.driver.kept_spans import Group
from docs.examples.demo.driver.plan import Key
from rich.console import Console

TASK = "playground.training.search"
EQUAL = Row(Key("celery_task_total", TASK, "status", "success"), 2, 2.0)
ZERO = Row(Key("celery_task_total", TASK, "status", "retry"), 0, 0.0)
MISSING = Row(Key("celery_task_failures_total", TASK, "error_type", "timeout"), 1, None)


def printed(*rows: Row) -> str:
    """Return what the tables print, without lines and alignment."""
    output = StringIO()
    Screen(Console(file=output)).tables(rows)
    return " ".join(output.getvalue().replace("│", " ").split())


def test_equal_numbers_stand_in_the_table_and_zeros_are_summed_up() -> None:
    """A number that is the same on both sides is shown with yes; one that is 0 in both is only counted."""
    text = printed(EQUAL, ZERO)
    assert f"{TASK} success 2 2 yes" in text
    assert "1 more numbers are 0 in both, as they must be." in text
    assert "All 2 numbers are equal." in text


def test_a_difference_is_shown_and_counted() -> None:
    """A series that Prometheus does not have is named so, and the last line counts it."""
    text = printed(EQUAL, MISSING)
    assert f"{TASK} timeout 1 no series NO" in text
    assert "1 of 2 numbers differ." in text


def test_a_series_of_models_is_shown_by_its_own_label() -> None:
    """The table of trainings says that its first column is the model type, and shows a score with its fraction."""
    text = printed(Row(Key("celery_training_runs_total", "tree", "result", "success"), 4, 4.0))
    assert "model type result happened" in text.replace("┃ ", "")
    score = Row(Key("celery_tuning_best_score", "grid"), 0.9375, 0.9375)
    assert "grid 0.9375 0.9375 yes" in printed(score)


def test_kept_spans_are_shown_and_what_lacks_is_named() -> None:
    """Each group has its number, and a sentence says what is not as planned."""
    output = StringIO()
    screen = Screen(Console(file=output))
    screen.kept({Group("training", "tree"): 4, Group("tuning", "grid"): 1}, [])
    assert "training tree: 4" in output.getvalue()
    assert "All 5 spans of training and tuning bear celery.keep." in output.getvalue()
    screen.kept({}, ["tuning grid: 1 spans planned, 0 kept"])
    assert "They are not as planned:\n  tuning grid: 1 spans planned, 0 kept" in output.getvalue()


def test_the_same_progress_is_not_printed_twice() -> None:
    """A pipe gets lines only when there is news."""
    output = StringIO()
    screen = Screen(Console(file=output))
    progress = Progress(98, 3, 2, {TASK: 1})
    with screen.live():
        screen.progress(progress)
        screen.progress(progress)
    assert output.getvalue().count("3 of 98 attempts ended, 2 counted by Prometheus; active now: search 1") == 1


def test_every_compared_series_has_a_table() -> None:
    """A series that is compared but never shown could differ without a row that says so."""
    assert set(LABELS) == set(TITLES)
