"""The site of docs/ is built without a complaint, and loads nothing from elsewhere."""

import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from celery_otel_pipeline.ports import LOOPBACK
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from tests.integration.api.browsing import chromium, visit


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its base calls it so
        """Says nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site, as `make docs` builds it, at an address."""
    directory = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(directory / "site")]
    with Process("mkdocs", argv, directory=directory, cwd=ROOT) as mkdocs:
        assert 0 == mkdocs.wait(120), mkdocs.log
    with ThreadingHTTPServer((LOOPBACK, 0), partial(_Quiet, directory=str(directory / "site"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_site_in_a_browser(site: str) -> None:
    """The front page leads to the others, the search finds, and no request goes elsewhere."""
    with chromium() as browser, visit(browser, site) as one:
        one.sees("h1", "celery-otel")
        one.page.get_by_role("link", name="Getting started").first.click()
        one.sees("h1", "Getting started")
        # Key by key: the search listens to keys, and a text that is set at once is seen only if it is there first.
        one.page.get_by_role("textbox", name="Search").press_sequentially("celery_worker_pool_busy")
        one.sees(".md-search-result", "celery_worker_pool_busy")
