"""The Python of README and docs runs, page by page, but for the pages that have a test of their own."""

import re
import sys
from itertools import groupby

import pytest

from celery_otel_pipeline.process import Process
from tests.doc_blocks.block import Block, all_blocks
from tests.doc_blocks.known import PYTHON_ELSEWHERE
from tests.integration.docs.project import SILENT, Project

SECONDS = 60.0


def by_page() -> list[tuple[str, list[Block]]]:
    """The blocks of each page."""
    blocks = (block for block in all_blocks() if block.language == "python" and not block.needs and not block.is_output)
    pages = [(page, list(found)) for page, found in groupby(blocks, lambda block: block.page)]
    return [(page, found) for page, found in pages if page not in PYTHON_ELSEWHERE]


def with_application(code: str) -> str:
    """The code, behind the README's application where it goes on from one that it does not make."""
    return code if re.search(r"^app = ", code, re.MULTILINE) else f"from shop import app\n{code}"


@pytest.mark.parametrize(("page", "blocks"), by_page(), ids=[page for page, _ in by_page()])
def test_the_code_of_a_page(project: Project, page: str, blocks: list[Block]) -> None:
    """What says its file is written there and imported; the rest runs as one program."""
    directory = project.directory / page.replace("/", "-").removesuffix(".md")
    directory.mkdir()
    files = [block for block in blocks if block.file]
    for block in files:
        (directory / block.file).parent.mkdir(parents=True, exist_ok=True)
        (directory / block.file).write_text(block.setup + block.text)
    imports = [f"import {block.file.removesuffix('.py').replace('/', '.')}\n" for block in files]
    rest = [block.setup + block.text for block in blocks if not block.file]
    (directory / "page.py").write_text(with_application("".join([*imports, *rest])))
    # The project's own modules come after those of the page.
    env = project.environment({**SILENT, "PYTHONPATH": f"{directory}:{project.directory}:{':'.join(sys.path)}"})
    with Process("page", [sys.executable, "page.py"], directory=directory, env=env, cwd=directory) as process:
        assert 0 == process.wait(SECONDS), process.log_tail
