"""A Django project with django-celery-beat's scheduler, whose entries live in a database and change while beat runs."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from celery_otel_pipeline.beat import CeleryBeat
from tests.integration.beat.conftest import LAST_FIRE, MISSED, ROOT, Page, Scene

PROJECT = "tests.integration.beat.project"


class Project:
    """The project with its database and its beat.

    Args:
        scene: Where its beat runs.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._database = scene.directory / "database.sqlite3"
        self.edit("migrate")

    def beat(self) -> tuple[CeleryBeat, Page]:
        """Its beat, not started, and the page that it serves."""
        return self.scene.beat({}, app=f"{PROJECT}.celery", scheduler="django", env=self._environment)

    def edit(self, what: str, *arguments: str) -> None:
        """Edits the schedule, in a process of its own as the web server is."""
        command = [sys.executable, "-m", f"{PROJECT}.edit", what, *arguments]
        subprocess.run(command, env={**os.environ, **self._environment}, cwd=ROOT, check=True)

    def last_run(self, entry: str) -> float | None:
        """When an entry was last run, as the database remembers it."""
        with closing(sqlite3.connect(self._database)) as connection:
            query = "SELECT last_run_at FROM django_celery_beat_periodictask WHERE name = ?"
            ((text,),) = connection.execute(query, (entry,)).fetchall()
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    def wait_for_last_run(self, page: Page, entry: str) -> None:
        """Waits until beat and the database name the same moment as an entry's last run."""
        self.scene.eventually(
            (True, True),
            lambda: (self.last_run(entry) is not None, self.last_run(entry) == page.value(LAST_FIRE, entry=entry)),
        )

    def wait_for_series(self, page: Page, *entries: str) -> None:
        """Waits until these entries, and no other, have a last fire."""
        self.scene.eventually(set(entries), lambda: {labels["entry"] for labels, _ in page.labelled(LAST_FIRE)})

    @property
    def _environment(self) -> dict[str, str]:
        return {"PROJECT_DATABASE": str(self._database)}


@pytest.fixture
def project(scene: Scene) -> Project:
    """A project whose schedule is empty."""
    return Project(scene)


def test_entries_are_added_changed_disabled_and_removed(project: Project) -> None:
    """An entry has a last fire from its first run to its end, the same as in the database; its counter stays."""
    project.edit("interval", "often", "1")
    beat, page = project.beat()
    with beat:
        project.wait_for_last_run(page, "often")
        project.edit("interval", "added", "1")
        project.wait_for_last_run(page, "added")
        project.edit("enabled", "often", "no")
        project.wait_for_series(page, "added")
        project.edit("enabled", "often", "yes")
        project.wait_for_series(page, "added", "often")
        project.edit("remove", "added")
        project.wait_for_series(page, "often")
        assert page.value(MISSED, entry="added") is not None


def test_missed_runs_are_those_that_the_database_tells(project: Project) -> None:
    """A beat that was down for hours counts what was due since the last run that the database remembers."""
    project.edit("interval", "hourly", "3600")
    project.edit("backdate", "hourly", "450")
    beat, page = project.beat()
    with beat:
        # Seven times due; the last of them is sent.
        project.scene.eventually(6.0, lambda: page.value(MISSED, entry="hourly"))
        project.wait_for_last_run(page, "hourly")


def test_an_entry_misses_nothing_before_its_start(project: Project) -> None:
    """One that never ran, and whose start is two and a half hours ago, was due then and twice since."""
    project.edit("interval", "hourly", "3600")
    project.edit("start_time", "hourly", "150")
    beat, page = project.beat()
    with beat:
        project.scene.eventually(2.0, lambda: page.value(MISSED, entry="hourly"))


def test_an_entry_that_is_made_more_frequent_has_missed_nothing(project: Project) -> None:
    """From every two hours to every minute, an hour and a half after its last run: it runs, and missed none."""
    project.edit("interval", "changed", "7200")
    project.edit("backdate", "changed", "90")
    before = project.last_run("changed")
    beat, page = project.beat()
    with beat:
        project.scene.eventually(before, lambda: page.value(LAST_FIRE, entry="changed"))
        project.edit("interval", "changed", "60")
        project.scene.eventually({True}, lambda: {(page.value(LAST_FIRE, entry="changed") or 0.0) > (before or 0.0)})
        assert 0.0 == page.value(MISSED, entry="changed")


def test_an_entry_that_is_hours_away_is_there(project: Project) -> None:
    """django-celery-beat leaves it out of its own table until its hour is near; its last run is known all the same."""
    away = (datetime.now(UTC) + timedelta(hours=8)).hour
    # Celery's own clean-up is at four, and django-celery-beat keeps that hour in its table.
    project.edit("crontab", "daily", "30", str(away if away != 4 else 5))
    project.edit("backdate", "daily", "900")
    beat, page = project.beat()
    with beat:
        project.scene.eventually(project.last_run("daily"), lambda: page.value(LAST_FIRE, entry="daily"))
        assert 0.0 == page.value(MISSED, entry="daily")
