"""Every block of README and docs is known: a test runs it, or it says why none can."""

import ast
import re
from collections import Counter

import pytest

from celery_otel.names import API_METRICS, METRICS
from celery_otel_pipeline.repository import ROOT
from tests.doc_blocks.block import NEEDS, all_blocks, blocks_of, pages
from tests.doc_blocks.command import Elsewhere, commands_of, terminal_blocks
from tests.doc_blocks.known import COMMANDS, LANGUAGES, PYTHON_ELSEWHERE, TARGETS, how, unknown

VARIABLE = re.compile(r"\b(?:CELERY_OTEL|OTEL)_[A-Z_]+\b")
COUNTED = re.compile(r"^- (\d+) needs? (.+)\.$", re.MULTILINE)


def test_every_block_is_known() -> None:
    """What nothing is known of is named, with what to do about it."""
    assert "" == "\n".join(said for block in all_blocks() for said in unknown(block))


def test_the_blocks_that_cannot_run_here_are_counted_on_the_front_page() -> None:
    """docs/index.md has the number for each thing that is not here, and no other number."""
    counted = Counter(NEEDS.get(block.needs, block.needs) for block in all_blocks() if block.needs)
    said = {needed: int(number) for number, needed in COUNTED.findall((ROOT / "docs" / "index.md").read_text())}
    assert dict(counted) == said


def test_what_is_said_to_run_blocks_exists() -> None:
    """Every test that the tables name is there."""
    named = [*LANGUAGES.values(), *PYTHON_ELSEWHERE.values(), *TARGETS.values()]
    named += [found.test for _, found in COMMANDS if isinstance(found, Elsewhere)]
    assert [] == [name for name in named if not _exists(name)]


def _exists(name: str) -> bool:
    file, _, function = name.partition("::")
    if not (ROOT / file).is_file():
        return False
    return not function or function in _functions(file)


def _functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_no_command_is_known_in_vain() -> None:
    """Each line of COMMANDS is the first that fits some command: else it is out of date, or another hides it."""
    used = {id(how(command)) for block in terminal_blocks(all_blocks()) for command in commands_of(block)}
    assert [] == [pattern for pattern, found in COMMANDS if id(found) not in used]


def test_the_queries_name_series_that_there_are() -> None:
    """Prometheus answers nothing to a name that is misspelt: each is one of ours."""
    series = {metric.series for metric in (*METRICS, *API_METRICS)}
    parts = {f"{name}{part}" for name in series for part in ("", "_bucket", "_sum", "_count")}
    named = {
        (block.where, name)
        for block in all_blocks()
        if block.language == "promql"
        for name in re.findall(r"(?<![\"\w:])celery_\w+\b(?![:\"])", block.text)
    }
    assert named
    assert set() == {(where, name) for where, name in named if name not in parts}


def test_the_variables_that_commands_set_exist() -> None:
    """Something reads each: commands that differ in variables only are run once, and would not show a wrong one."""
    places = ["docs/reference/settings.md", "docs/guides/api.md", "otel-collector.yaml"]
    places += ["collector/bearer-token.yaml", "collector/jaeger.yaml"]
    known = set(VARIABLE.findall("".join((ROOT / place).read_text() for place in places)))
    commands = {(block.where, command) for block in terminal_blocks(all_blocks()) for command in commands_of(block)}
    set_there = {(where, name) for where, command in commands for name in VARIABLE.findall(command)}
    assert set_there
    assert set() == {(where, name) for where, name in set_there if name not in known}


def test_a_fence_in_a_list_is_indented_by_four() -> None:
    """GitHub takes three spaces, too; the site does not, and shows the fence as text."""
    wrong = [
        f"{page.name}: {line!r}"
        for page in pages()
        for line in page.read_text().splitlines()
        if line.lstrip().startswith("```") and (len(line) - len(line.lstrip())) % 4
    ]
    assert [] == wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```console\n$ ls # all\nfile\n```\n", ("console", "", "", ["ls"])),
        (
            "<!-- needs: docker -->\n```console\n$ docker \\\n    ps\n```\n",
            ("console", "needs: docker", "", ["docker ps"]),
        ),
        ("`a/b.py`:\n\n```python\nx\n```\n", ("python", "", "a/b.py", ["x"])),
        ("1. So:\n\n    ```bash\n    ls\n    # no\n    ```\n", ("bash", "", "", ["ls"])),
    ],
    ids=["comment", "mark", "file", "indent"],
)
def test_what_is_read_of_a_block(text: str, expected: tuple[str, str, str, list[str]]) -> None:
    """Its language, its mark, its file, and its commands without comments, prompts and output."""
    (block,) = blocks_of("page.md", text)
    assert expected == (block.language, block.mark, block.file, commands_of(block))
