"""Sessions of the page: a cookie instead of a token, with a second secret for what changes something."""

import pytest

from celery_otel_api.caller import ANYONE, Caller
from celery_otel_api.operation import Scope
from celery_otel_api.security import COOKIE
from celery_otel_api.sessions import LIFETIME, MOST, Sessions
from tests.unit.api.services import LOCAL, bearer, client_of, secret_and_line

FULL = (Scope.READ, Scope.CONTROL)


def test_a_token_is_exchanged_for_a_cookie_that_scripts_cannot_read() -> None:
    """HttpOnly and SameSite=Strict; the answer says the scopes and the CSRF token."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        answer = client.post("/session", json={"token": secret})
        cookie = answer.headers["set-cookie"].lower()
        assert {"name": "ann"} == client.get("/read").json()
    assert (["control", "read"], True) == (answer.json()["scopes"], bool(answer.json()["csrf_token"]))
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert secret not in cookie


def test_over_tls_the_cookie_is_secure() -> None:
    """It is never sent in the clear."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line, base_url=LOCAL.replace("http", "https")) as client:
        answer = client.post("/session", json={"token": secret})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": ""}])
def test_a_cookie_without_its_csrf_token_changes_nothing(headers: dict[str, str]) -> None:
    """A browser sends the cookie unasked."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        client.post("/session", json={"token": secret})
        for answer in (client.post("/revoke", headers=headers), client.delete("/session", headers=headers)):
            assert (403, "/problems/csrf") == (answer.status_code, answer.json()["type"])


def test_a_cookie_with_its_csrf_token_may_do_what_its_token_may() -> None:
    """And no more."""
    secret, line = secret_and_line(Scope.CONTROL)
    with client_of(tokens=line) as client:
        csrf = client.post("/session", json={"token": secret}).json()["csrf_token"]
        assert 200 == client.post("/revoke", headers={"X-CSRF-Token": csrf}).status_code
        assert 403 == client.get("/read").status_code


def test_the_page_learns_its_csrf_token_again() -> None:
    """After a reload it has nothing but the cookie."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        begun = client.post("/session", json={"token": secret}).json()
        assert begun == client.get("/session").json()


def test_a_session_that_was_ended_is_over() -> None:
    """Also for who has kept the cookie."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        csrf = client.post("/session", json={"token": secret}).json()["csrf_token"]
        kept = client.cookies[COOKIE]
        assert 204 == client.delete("/session", headers={"X-CSRF-Token": csrf}).status_code
        assert COOKIE not in client.cookies
        assert 401 == client.get("/read", headers={"Cookie": f"{COOKIE}={kept}"}).status_code


def test_logging_in_again_ends_the_session_before() -> None:
    """One browser has one session."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        client.post("/session", json={"token": secret})
        kept = client.cookies[COOKIE]
        assert 200 == client.post("/session", json={"token": secret}).status_code
        client.cookies.clear()
        assert 401 == client.get("/read", headers={"Cookie": f"{COOKIE}={kept}"}).status_code


def test_a_token_comes_before_a_cookie() -> None:
    """A program with a token needs no CSRF token, whatever cookies it has."""
    secret, line = secret_and_line(*FULL)
    with client_of(tokens=line) as client:
        client.post("/session", json={"token": secret})
        assert 200 == client.post("/revoke", headers=bearer(secret)).status_code


def test_who_has_no_token_is_nobody() -> None:
    """The page asks so whether it has to ask for a token."""
    with client_of(tokens=secret_and_line(*FULL)[1]) as client:
        assert {
            "authenticated": False,
            "name": "nobody",
            "scopes": [],
            "csrf_token": None,
            "ends_at": None,
        } == client.get("/session").json()


def test_where_no_token_is_needed_there_is_no_session() -> None:
    """The caller has every scope and no cookie."""
    with client_of() as client:
        for answer in (client.get("/session"), client.post("/session", json={"token": "any"})):
            assert (True, sorted(Scope), None) == (
                answer.json()["authenticated"],
                answer.json()["scopes"],
                answer.json()["csrf_token"],
            )
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"token": "x"}', "text/plain", 415),
        (b"token=x", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"token": 1}', "application/json", 422),
        (b"[" * 10_000, "application/json", 422),
    ],
)
def test_a_body_that_is_no_login_is_refused(content: bytes, kind: str, status: int) -> None:
    """A form of another site cannot send JSON unasked."""
    with client_of(tokens=secret_and_line(*FULL)[1]) as client:
        answer = client.post("/session", content=content, headers={"Content-Type": kind})
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


def test_a_session_has_an_end() -> None:
    """After eight hours its cookie is worth nothing."""
    now = [1_000.0]
    sessions = Sessions(lambda: now[0])
    cookie, session = sessions.begin(ANYONE)
    assert session == sessions.find(cookie)
    now[0] += LIFETIME
    assert sessions.find(cookie) is None


def test_sessions_are_bounded() -> None:
    """The oldest of the same token give way, and nobody else's."""
    sessions = Sessions()
    others, _ = sessions.begin(Caller("bob", frozenset()))
    cookies = [sessions.begin(ANYONE)[0] for _ in range(MOST + 1)]
    found = [sessions.find(cookie) is not None for cookie in (others, cookies[0], cookies[1], cookies[-1])]
    assert [True, False, True, True] == found
