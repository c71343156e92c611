"""Who may do what, and what an attacker does not get."""

import pytest

from celery_otel.loopback import is_loopback
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.failed_attempts import FailedAttempts
from celery_otel_api.operation import Scope
from celery_otel_api.problems import ProblemError
from tests.unit.api.services import bearer, client_of, secret_and_line

EVERYWHERE = "http://192.0.2.7:8000"


def kind_of(answer: object) -> str:
    """The kind of the problem in a response."""
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    return str(answer.json()["type"]).removeprefix("/problems/")  # type: ignore[attr-defined]


def test_on_loopback_without_tokens_everyone_may_do_everything() -> None:
    """As on a developer's machine."""
    with client_of() as client:
        assert [200, 200, 200] == [
            client.get("/read").status_code,
            client.post("/revoke").status_code,
            client.get("/metrics").status_code,
        ]


def test_once_tokens_exist_loopback_needs_one_too() -> None:
    """A token on a server is there to be needed."""
    _, line = secret_and_line(Scope.READ)
    with client_of(tokens=line) as client:
        answer = client.get("/read")
    assert (401, "token-needed") == (answer.status_code, kind_of(answer))
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "shop.example"])  # noqa: S104  # what is to be refused
def test_other_addresses_without_tokens_are_refused(host: str) -> None:
    """The service does not start; the message says what to do."""
    with pytest.raises(ConfigurationError, match=r"--host .*no tokens.*--token-file .*--allow-anyone"):
        client_of(host=host)


def test_other_addresses_may_be_open_to_anyone_who_says_so() -> None:
    """By an explicit option."""
    with client_of(host="192.0.2.7", allow_anyone=True, base_url=EVERYWHERE) as client:
        assert 200 == client.post("/revoke").status_code


def test_tokens_and_anyone_contradict_each_other() -> None:
    """Whoever made tokens would think that they are needed."""
    with pytest.raises(ConfigurationError, match="take one of both away"):
        client_of(tokens=secret_and_line(Scope.READ)[1], allow_anyone=True)


def test_mounted_into_a_server_that_others_reach_it_needs_a_token() -> None:
    """The address counts to which the request came, whatever the options say."""
    with client_of(base_url=EVERYWHERE, allowed_hosts="192.0.2.7") as client:
        answer = client.get("/read")
    assert (401, "token-needed") == (answer.status_code, kind_of(answer))
    assert "celery-otel-api token" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "Via"])
def test_what_a_proxy_passes_on_is_not_from_this_machine(header: str) -> None:
    """A proxy on the same host would open the service to everyone otherwise."""
    with client_of() as client:
        assert 401 == client.get("/read", headers={header: "203.0.113.9"}).status_code


def test_a_token_allows_its_scopes_and_no_more() -> None:
    """What is missing is named."""
    secret, line = secret_and_line(Scope.READ)
    with client_of(tokens=line) as client:
        assert {"name": "ann"} == client.get("/read", headers=bearer(secret)).json()
        answer = client.post("/revoke", headers=bearer(secret))
    assert (403, "missing-scope", "control") == (answer.status_code, kind_of(answer), answer.json()["scope"])


def test_metrics_have_a_scope_of_their_own() -> None:
    """Prometheus' token reads nothing else."""
    secret, line = secret_and_line(Scope.METRICS)
    with client_of(tokens=line) as client:
        statuses = [client.get(path, headers=bearer(secret)).status_code for path in ("/metrics", "/read")]
    assert [200, 403] == statuses


@pytest.mark.parametrize("shown", ["Bearer wrong", "Bearer", "Basic YW5uOmJvYg==", "nonsense"])
def test_what_is_no_valid_token_is_refused(shown: str) -> None:
    """Also for what needs none: whoever shows one wants to know."""
    with client_of(tokens=secret_and_line(Scope.READ)[1]) as client:
        for path in ("/read", "/open"):
            answer = client.get(path, headers={"Authorization": shown})
            assert (401, "invalid-token") == (answer.status_code, kind_of(answer))


def test_who_guesses_has_to_wait() -> None:
    """After so many wrong tokens of a minute the next one is answered with how long to wait."""
    _, line = secret_and_line(Scope.READ)
    with client_of(tokens=line, failures_per_minute=3) as client:
        statuses = [client.get("/read", headers=bearer(f"guess{n}")).status_code for n in range(3)]
        answer = client.get("/read", headers=bearer("guess3"))
    assert [401, 401, 401] == statuses
    assert (429, "too-many-failures") == (answer.status_code, kind_of(answer))
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_who_guesses_locks_nobody_out() -> None:
    """A right token is taken from an address that has shown too many wrong ones: a proxy's callers share one."""
    secret, line = secret_and_line(Scope.READ)
    with client_of(tokens=line, failures_per_minute=1) as client:
        guesses = [client.get("/read", headers=bearer(f"guess{n}")).status_code for n in range(2)]
        right = [
            client.get("/read", headers=bearer(secret)).status_code,
            client.post("/session", json={"token": secret}).status_code,
        ]
    assert ([401, 429], [200, 200]) == (guesses, right)


def test_guesses_at_the_session_count_too() -> None:
    """Both ways to show a token share the limit."""
    with client_of(tokens=secret_and_line(Scope.READ)[1], failures_per_minute=2) as client:
        statuses = [client.post("/session", json={"token": f"guess{n}"}).status_code for n in range(3)]
        assert [401, 401, 429] == statuses
        assert 429 == client.get("/read", headers=bearer("guess")).status_code


def test_guesses_of_one_address_do_not_lock_another_out() -> None:
    """An address is counted alone; of IPv6, a network is one address."""
    failures = FailedAttempts(1)
    failures.add("192.0.2.7")
    failures.add("2001:db8::1")
    failures.check("192.0.2.8")
    failures.check("2001:db8:0:1::1")
    for address in ("192.0.2.7", "2001:db8::2"):
        with pytest.raises(ProblemError, match="too many wrong tokens"):
            failures.check(address)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "localhost.", "a b"]
)
def test_dns_rebinding_is_refused(host: str) -> None:
    """A page whose name points to loopback for a moment is asked for by that name."""
    with client_of() as client:
        answer = client.get("/read", headers={"Host": host})
    assert (400, "host-not-allowed") == (answer.status_code, kind_of(answer))


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "shop.example"])
def test_names_of_our_own_are_answered(host: str) -> None:
    """The address, localhost, and those of the option; the port may be a forwarded one."""
    with client_of(allowed_hosts="shop.example") as client:
        assert 200 == client.get("/read", headers={"Host": host}).status_code


def test_a_service_that_others_reach_may_be_asked_for_by_number() -> None:
    """A probe or a scrape knows the address of a pod alone; names are still checked."""
    with client_of(host="0.0.0.0", allow_anyone=True) as client:  # noqa: S104  # what is tested
        statuses = [
            client.get("/read", headers={"Host": host}).status_code for host in ("10.1.2.3:8000", "evil.example")
        ]
    assert [200, 400] == statuses


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_cross_site_post_is_refused(headers: dict[str, str]) -> None:
    """Whether or not a token is needed."""
    with client_of() as client:
        answer = client.post("/revoke", headers=headers)
    assert (403, "cross-site") == (answer.status_code, kind_of(answer))


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://127.0.0.1:8000"}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_page_and_programs_may_post(headers: dict[str, str]) -> None:
    """A program sends no Origin."""
    with client_of() as client:
        assert 200 == client.post("/revoke", headers=headers).status_code


def test_behind_a_proxy_the_page_has_the_origin_of_the_proxy() -> None:
    """A name of the option is ours, however the proxy rewrites Host."""
    secret, line = secret_and_line(Scope.CONTROL)
    with client_of(tokens=line, allowed_hosts="shop.example") as client:
        headers = {**bearer(secret), "Origin": "https://shop.example"}
        assert 200 == client.post("/revoke", headers=headers).status_code


@pytest.mark.parametrize("path", ["/session", "/revoke"])
def test_a_body_that_is_too_large_is_refused(path: str) -> None:
    """Whether it is read or not."""
    with client_of() as client:
        answer = client.post(path, content=b"x" * 20_000, headers={"Content-Type": "application/json"})
    assert (413, "body-too-large") == (answer.status_code, kind_of(answer))


def test_a_body_that_is_too_large_is_refused_while_it_comes() -> None:
    """A client that does not say how long its body is gets no further."""
    with client_of() as client:
        chunks = (b"x" * 1_000 for _ in range(30))
        answer = client.post("/session", content=chunks, headers={"Content-Type": "application/json"})
    assert (413, "body-too-large") == (answer.status_code, kind_of(answer))


@pytest.mark.parametrize("path", ["/read", "/nowhere", "/fails", "/openapi.json", "/docs"])
def test_every_answer_protects_itself(path: str) -> None:
    """Errors and defects too."""
    with client_of() as client:
        headers = client.get(path).headers
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_answer_to_a_wrong_host_protects_itself() -> None:
    """What middleware refuses passes the outer middleware."""
    with client_of() as client:
        assert "nosniff" == client.get("/read", headers={"Host": "evil.example"}).headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x", False)],  # noqa: S104  # what is tested
)
def test_loopback_is_told_from_other_addresses(host: str, expected: bool) -> None:  # noqa: FBT001  # a test's parameter
    """A name other than localhost may be anybody's."""
    assert expected == is_loopback(host)
