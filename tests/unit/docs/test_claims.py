"""The list of claims is complete, and its check finds what is missing, stale or wrong."""

import pytest

from tests.claims.check import faults, is_command, pages, unclaimed
from tests.claims.claim import CLAIMS, Claim, Claims, Source
from tests.claims.numbers import numbers
from tests.claims.page import PAGE, rendered
from tests.claims.prose import is_written

PAGE_NAME = "docs/made-up.md"


def _found(page: str) -> list[str]:
    return [number.text for number in numbers(page)]


def _claims(*claims: Claim, **sources: Source) -> Claims:
    return Claims(claims, sources)


def test_every_number_of_the_pages_is_from_somewhere() -> None:
    """README and docs say no number that `docs/claims.yaml` does not account for."""
    assert [] == list(faults(pages(), Claims.read(CLAIMS.read_text())))


def test_the_page_of_claims_is_what_the_list_says() -> None:
    """`make claims` was run after the last change of the list."""
    assert rendered(Claims.read(CLAIMS.read_text())) == PAGE.read_text()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("It takes 5 ms, or 1 s.", ["5", "1"]),
        ("From 1.25 to 10,000 of 113 278.", ["1.25", "10,000", "113", "278"]),
        ("The gauge is 1, then 0.", []),
        ("1. First\n2. Second\n\n## 3. Third", []),
        ("Python 3.11 to 3.14, and Celery 5.4 or newer.", []),
        ("Redis 30 s later", ["30"]),
        ("`5` in code, [a link](page-7.html), <http://127.0.0.1:9090>, SHA-256.", []),
        ("```console\n$ sleep 5\n```", []),
        ("<!-- cost: begin, by make bench -->\n| 5 µs |\n<!-- cost: end -->", []),
        ("It answers 404 over HTTP.", []),
        ("HTTP waits 404 ms.", ["404"]),
    ],
)
def test_numbers_are_what_claims_something(page: str, expected: list[str]) -> None:
    """Ordinals, versions, code, addresses and what a command has written claim nothing."""
    assert expected == _found(page)


def test_a_number_is_claimed_by_the_words_around_it() -> None:
    """The same number elsewhere on the page is not."""
    claim = Claim(PAGE_NAME, "takes 5 ms", "follows", "an example")
    page = "It takes\n5 ms. Later it took 5 ms."
    assert [2] == [number.line for number in unclaimed(page, [claim])]
    assert ["took 5 ms." in fault for fault in faults({PAGE_NAME: page}, _claims(claim))] == [True]


def test_words_that_no_page_says_are_a_fault() -> None:
    """A claim ends with the sentence that it was about."""
    (fault,) = faults({PAGE_NAME: "Nothing."}, _claims(Claim(PAGE_NAME, "takes 5 ms", "follows", "an example")))
    assert "it does not say 'takes 5 ms'" in fault


def test_a_source_that_says_something_else_is_a_fault() -> None:
    """A constant that was changed is changed in the page, too."""
    claim = Claim(PAGE_NAME, "5 hearts", "from", "heart")
    source = Source("instrumentation/celery_otel/hooks/consumer.py", "HEARTBEAT = 6.0")
    (fault,) = faults({PAGE_NAME: "5 hearts"}, _claims(claim, heart=source))
    assert "does not say 'HEARTBEAT = 6.0'" in fault


def test_a_source_that_nobody_names_is_a_fault() -> None:
    """The list does not outgrow the pages."""
    source = Source("instrumentation/celery_otel/hooks/consumer.py", "HEARTBEAT = 5.0")
    assert ["source 'heart' is named by no claim"] == list(faults({}, _claims(heart=source)))


@pytest.mark.parametrize(
    ("command", "exists"),
    [
        ("make demo ONCE=1", True),
        ("make nothing", False),
        ("pytest tests/unit/docs/test_claims.py", True),
        ("pytest tests/unit/nowhere", False),
        ("python -m tests.claims", True),
        ("python -m tests.nothing", False),
        ("sleep 5", False),
    ],
)
def test_commands_are_those_of_this_repository(command: str, exists: bool) -> None:  # noqa: FBT001 - a parameter
    """What measures a number can be run."""
    assert exists is is_command(command)


def test_an_entry_has_one_kind() -> None:
    """What is measured and decided at once is neither."""
    text = f"sources: {{}}\npages: {{{PAGE_NAME}: [{{says: 5, by: make bench, outside: others}}]}}"
    with pytest.raises(ValueError, match="needs `says` and one of"):
        Claims.read(text)


def test_an_entry_names_a_source_that_is_there() -> None:
    """A name with a typing error is no source."""
    with pytest.raises(ValueError, match="none of `sources`"):
        Claims.read(f"sources: {{}}\npages: {{{PAGE_NAME}: [{{says: 5, from: hart}}]}}")


def test_pages_that_a_command_writes_are_known_by_their_head() -> None:
    """Their numbers are that command's."""
    assert is_written("# A page\n\n*Written by `make it` from a run.*\n\n5 ms\n")
    assert not is_written("# A page\n\nWritten by hand.\n")
