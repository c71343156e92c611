"""The commands of a block of a terminal, and what can be done with one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.doc_blocks.block import Block

TERMINAL = frozenset({"console", "bash", "sh", "shell"})
_PROMPT = "$ "
_COMMENT = re.compile(r"\s+# .*$")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A test runs it.

    Attributes:
        test: As pytest names it, `file::function`; or a file that is run by something else than pytest.
    """

    test: str


@dataclass(frozen=True, slots=True)
class Installs:
    """`pip install`: what it installs is ours, or among what is tested with."""


@dataclass(frozen=True, slots=True)
class Makes:
    """`make`: the target exists, and the table says what runs it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """It is run, and ends by itself.

    Attributes:
        status: With one of these.
        prints: And prints something that this regular expression finds.
        at_root: Whether its reader is in the checkout; else in the application's directory.
    """

    status: tuple[int, ...] = (0,)
    prints: str = ""
    at_root: bool = False


@dataclass(frozen=True, slots=True)
class Serves:
    """It is run until it says that it is ready, and is stopped then.

    Attributes:
        says: A regular expression that its output has when it is ready.
        more: What is added here to its end. In it, and in env, each {port} becomes a free port.
        env: The variables that it needs here beside those of its reader.
        at_root: Whether its reader is in the checkout; else in the application's directory.
    """

    says: str
    more: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    at_root: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """It asks a server at its usual port: it is run against a real one, at whatever port that has, and succeeds.

    Attributes:
        server: Which: a key of SERVERS in tests/integration/docs/test_questions.py.
    """

    server: str


@dataclass(frozen=True, slots=True)
class Sets:
    """It changes the shell (`export`, `cd`): it is run before each later command of its block."""


How = Elsewhere | Installs | Makes | Ends | Serves | Asks | Sets


def commands_of(block: Block) -> list[str]:
    """The commands of a block, each on one line; without prompts, comments and what is printed."""
    joined = re.sub(r"\\\n\s*(?:> )?", "", block.text)
    return [command for line in joined.splitlines() if (command := _command(line, prompts=block.language == "console"))]


def _command(line: str, *, prompts: bool) -> str:
    if prompts and not line.startswith(_PROMPT):
        return ""
    command = _COMMENT.sub("", line.removeprefix(_PROMPT) if prompts else line).strip()
    return "" if command.startswith("#") else command


def terminal_blocks(blocks: list[Block]) -> Iterator[Block]:
    """Those with commands that can be run here."""
    return (block for block in blocks if block.language in TERMINAL and not block.needs and not block.is_output)
