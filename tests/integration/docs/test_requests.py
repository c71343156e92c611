"""The requests of README and docs are ones that the API knows."""

import re

import httpx
import pytest
from celery import Celery

from tests.doc_blocks.block import Block, all_blocks
from tests.integration.api.browsing import served
from tests.integration.docs.project import Project

REQUEST = re.compile(r"^(GET|POST|DELETE) (\S+)")
UNKNOWN = {400, 404, 405, 415, 422, 500}


def requests() -> list[tuple[str, str]]:
    """Method and path of each."""
    found: list[Block] = [block for block in all_blocks() if block.language == "http" and not block.is_output]
    matches = [REQUEST.match(line) for block in found for line in block.text.splitlines()]
    return [(matched[1], matched[2]) for matched in matches if matched]


@pytest.mark.skipif(not requests(), reason="no page has a request")
def test_requests(project: Project) -> None:
    """Each one leads to an operation, with parameters that it takes."""
    with Celery("shop", broker=project.broker_url, set_as_current=False) as app, served(app) as address:
        answers = {
            f"{method} {path}": httpx.request(method, address.rstrip("/") + path, timeout=30).status_code
            for method, path in requests()
        }
    assert {} == {request: status for request, status in answers.items() if status in UNKNOWN}
