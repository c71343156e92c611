"""The commands of README and docs do what a reader sees them do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata

import pytest
from packaging.requirements import Requirement

from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import ProcessDiedError
from celery_otel_pipeline.worker import CeleryWorker
from tests.doc_blocks.block import Block, all_blocks
from tests.doc_blocks.command import Ends, How, Installs, Makes, Serves, Sets, commands_of, terminal_blocks
from tests.doc_blocks.known import how
from tests.integration.docs.project import SILENT, Project

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """A command with what its block has set before it."""

    where: str
    settings: str
    command: str
    how: How

    @property
    def script(self) -> str:
        """What a shell runs."""
        return f"{self.settings}{self.command}"


def cases(block: Block) -> Iterator[Case]:
    """The commands of a block."""
    settings = ""
    for command in commands_of(block):
        found = how(command)
        if isinstance(found, Sets):
            settings += f"{command}\n"
        elif found is not None:
            yield Case(block.where, settings, command, found)


def distinct(kind: type[How]) -> list[Case]:
    """Every command of a kind, the first of those that differ in variables and the application's name only."""
    found = [case for block in terminal_blocks(all_blocks()) for case in cases(block) if isinstance(case.how, kind)]
    return list({_bare(case.command): case for case in reversed(found)}.values())[::-1]


def _bare(command: str) -> str:
    return re.sub(r"^([A-Z_0-9]+=\S+ )+|-A \S+ ?", "", command)


def named(case: Case) -> str:
    """A test's id."""
    return case.where


@pytest.fixture(scope="module")
def worker(project: Project) -> Iterator[CeleryWorker]:
    """A worker of the application, for commands that look at workers."""
    worker = CeleryWorker(
        "celery",
        app="shop",
        broker_url=project.broker_url,
        directory=project.directory / "logs",
        pool="threads",
        concurrency=1,
        env=project.environment(SILENT),
        cwd=project.directory,
    )
    with worker:
        yield worker


@pytest.mark.parametrize("case", distinct(Ends), ids=named)
def test_a_command_that_ends(project: Project, worker: CeleryWorker, case: Case) -> None:
    """It ends as the page says, and prints what it says; WORKER is for readers to replace."""
    assert isinstance(case.how, Ends)
    with project.shell(
        "command", case.script.replace("WORKER", worker.node_name), env=SILENT, at_root=case.how.at_root
    ) as process:
        status = process.wait(SECONDS)
    assert status in case.how.status, process.log_tail
    assert re.search(case.how.prints, process.log_since_start), process.log_tail


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
