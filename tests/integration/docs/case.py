"""The commands of the pages, one by one, as tests take them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.doc_blocks.block import Block, all_blocks
from tests.doc_blocks.command import How, Sets, commands_of, terminal_blocks
from tests.doc_blocks.known import how


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
