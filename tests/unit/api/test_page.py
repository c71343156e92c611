"""The page and its files, as a browser is served them."""

import re

import pytest
from starlette.applications import Starlette

from celery_otel_api.page import ROUTES, assets
from tests.unit.api.asking import ask

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}


SERVICE = Starlette(routes=list(ROUTES))


def test_it_allows_nothing_but_its_own_files() -> None:
    """The page's policy is strict."""
    headers = ask(SERVICE, "/").headers
    assert POLICY == set(headers["Content-Security-Policy"].split("; "))
    assert "nosniff" == headers["X-Content-Type-Options"]


def test_nothing_is_written_into_it_that_the_policy_would_refuse() -> None:
    """There is no script, style or handler in the page's HTML."""
    page = assets().page.body.decode()
    assert [] == re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_it_names_no_other_origin() -> None:
    """No file of the page has an address to load anything from."""
    texts = {name: asset.body.decode() for name, asset in {**assets().static, "page": assets().page}.items()}
    found = {name: set(re.findall(r"https?://[^\s\"']+", text)) for name, text in texts.items()}
    # The name of a language, which is never loaded.
    assert {"http://www.w3.org/2000/svg"} == set().union(*found.values())


def test_no_data_is_parsed_as_html() -> None:
    """The scripts have no way to make elements of text."""
    scripts = b"".join(asset.body for name, asset in assets().static.items() if name.endswith(".js"))
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", scripts)


def test_the_page_is_asked_for_each_time_and_sent_only_if_it_is_another() -> None:
    """A browser that has the page is told so."""
    first = ask(SERVICE, "/")
    again = ask(SERVICE, "/", headers={"If-None-Match": first.headers["ETag"]})
    assert ("no-cache", 200) == (first.headers["Cache-Control"], first.status_code)
    assert (304, b"") == (again.status_code, again.content)


def test_its_files_are_kept_for_good() -> None:
    """Every file that the page names is there, under the hash of all of them, and may be kept."""
    names = re.findall(r'"(static/[^"]+)"', ask(SERVICE, "/").text)
    answers = [ask(SERVICE, f"/{name}") for name in names]
    assert 3 == len(answers)
    assert {(200, "public, max-age=31536000, immutable")} == {
        (answer.status_code, answer.headers["Cache-Control"]) for answer in answers
    }


def test_a_file_of_another_version_is_not_kept() -> None:
    """A page that was left open over an update gets what there is, for this time."""
    answer = ask(SERVICE, "/static/0123456789abcdef/page.js")
    assert (200, "no-cache") == (answer.status_code, answer.headers["Cache-Control"])


@pytest.mark.parametrize("name", ["page.html", "nothing.js", "..%2fpage.py", "%2e%2e/page.py"])
def test_there_are_no_other_files(name: str) -> None:
    """Nothing but the page's files can be asked for."""
    assert 404 == ask(SERVICE, f"/static/{assets().version}/{name}").status_code


def test_scripts_name_only_scripts_that_are_there() -> None:
    """Every import leads to one of the page's files."""
    for asset in assets().static.values():
        imported = re.findall(r'from "\./([^"]+)"', asset.body.decode())
        assert set() == set(imported) - set(assets().static)


def test_scripts_name_only_elements_that_are_there() -> None:
    """Every element that a script asks for by its id is in the page."""
    scripts = "".join(asset.body.decode() for name, asset in assets().static.items() if name.endswith(".js"))
    asked = set(re.findall(r'byId\("([^"]+)"\)', scripts))
    assert set() == asked - set(re.findall(r'\bid="([^"]+)"', assets().page.body.decode()))
