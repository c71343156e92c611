"""The list and the page of how long alerts took say what was measured."""

from celery_otel_pipeline.rules import thresholds
from tests.acceptance.alerts.page import PAGE, page
from tests.acceptance.alerts.shortened import shortened
from tests.acceptance.alerts.table import Row, plain

DOWN: Row = {"alert": "WorkerDown", "fault": "kill -9", "fired": 1.04, "notified": 4.06, "resolved": 12.3}
BROKER: Row = {"alert": "BrokerDown", "fault": "stopped", "fired": 2.0, "notified": 5.0, "resolved": 3.0}


def test_the_list_is_in_the_order_of_the_alerts() -> None:
    """With seconds to a tenth, below each other."""
    lines = [line.split("  ") for line in plain([DOWN, BROKER])]
    cells = [[cell.strip() for cell in line if cell] for line in lines]
    assert ["alert", "fault", "fired", "notified", "resolved"] == cells[0]
    assert ["BrokerDown", "stopped", "2.0 s", "5.0 s", "3.0 s"] == cells[1]
    assert ["WorkerDown", "kill -9", "1.0 s", "4.1 s", "12.3 s"] == cells[2]


def test_the_page_names_the_numbers_of_the_test_and_those_that_are_shipped() -> None:
    """So nobody takes the one for the other."""
    line = next(line for line in page([DOWN]).splitlines() if line.startswith("| WorkerDown"))
    numbers = [", ".join(f"{name} {value}" for name, value in given.items()) for given in _of("WorkerDown")]
    assert f"| WorkerDown | kill -9 | {numbers[0]} | {numbers[1]} | 1.0 s | 4.1 s | 12.3 s |" == line


def test_every_alert_is_shortened() -> None:
    """Else one that is not to fire could not: only the dead man's switch has nothing that could be shorter."""
    assert thresholds().keys() - {"Watchdog"} == shortened().keys()


def test_the_page_has_every_alert() -> None:
    """An alert that no fault has raised is not proven."""
    lines = PAGE.read_text().splitlines()
    assert thresholds().keys() == {line.split("|")[1].strip() for line in lines if line.startswith("| ")} - {
        "alert",
        "---",
    }


def _of(alert: str) -> list[dict[str, float | str]]:
    shipped = thresholds()[alert]
    return [{**shipped, **shortened()[alert]}, shipped]
