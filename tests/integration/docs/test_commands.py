"""The commands of README and docs do what a reader sees them do."""

import re
from importlib.metadata import metadata
from operator import itemgetter

import pytest
from packaging.requirements import Requirement

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.worker import CeleryWorker
from tests.doc_blocks.command import Ends, Installs, Makes, Serves
from tests.integration.docs.case import Case, distinct, named
from tests.integration.docs.project import SILENT, Project
from tests.patience import until_somebody_replies

SECONDS = 60.0


@pytest.mark.parametrize("case", distinct(Ends), ids=named)
def test_a_command_that_ends(project: Project, worker: CeleryWorker, case: Case) -> None:
    """It ends as the page says, and prints what it says; WORKER is for readers to replace."""
    how = case.how
    assert isinstance(how, Ends)
    script = case.script.replace("WORKER", worker.node_name)

    def run() -> tuple[int, str]:
        with project.shell("command", script, env=SILENT, at_root=how.at_root) as process:
            return process.wait(SECONDS), process.log_since_start

    status, said = until_somebody_replies(run, itemgetter(1))
    assert status in how.status, said
    assert re.search(how.prints, said), said


@pytest.mark.parametrize("case", distinct(Serves), ids=named)
def test_a_command_that_serves(project: Project, case: Case) -> None:
    """It says that it is ready."""
    assert isinstance(case.how, Serves)
    ready = re.compile(case.how.says)
    script = f"{case.script}{case.how.more}"
    with project.shell("service", script, env=case.how.env, at_root=case.how.at_root) as process:

        def is_ready() -> bool:
            if not process.alive:
                raise ProcessDiedError(f"`{script}` ended\n{process.log_tail}")
            return ready.search(process.log_since_start) is not None

        wait_until(is_ready, deadline=SECONDS, message=lambda: process.log_tail)


@pytest.mark.parametrize("case", distinct(Installs), ids=named)
def test_what_is_installed(case: Case) -> None:
    """It is celery-otel with an extra that it has, or something that is tested with it."""
    wanted = [Requirement(word.strip("'\"")) for word in case.command.split()[2:] if not word.startswith("-")]
    assert wanted
    for requirement in wanted:
        extras = set(metadata(requirement.name).get_all("Provides-Extra") or [])
        assert requirement.extras <= extras, f"{requirement.name} has no extra {requirement.extras - extras}"


@pytest.mark.parametrize("case", distinct(Makes), ids=named)
def test_the_target_is_there(project: Project, case: Case) -> None:
    """The Makefile has it; what runs it is in TARGETS."""
    with project.shell("make", case.command.replace("make ", "make -n ", 1), at_root=True) as process:
        assert 0 == process.wait(SECONDS), process.log_tail
