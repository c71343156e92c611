"""Who may use a Flower that is started by `celery otel flower`, and what is said about it."""

from pathlib import Path

import pytest

from celery_otel.loopback import is_loopback
from celery_otel.terminal.flower_access import Access, problem
from celery_otel.terminal.flower_notes import Events, notes
from celery_otel.terminal.flower_secrets import SecretError, exposed, read_secret

LOOPBACK = "127.0.0.1"
OAUTH = {
    "FLOWER_AUTH_PROVIDER": "flower.views.auth.GithubLoginHandler",
    "FLOWER_OAUTH2_KEY": "key",
    "FLOWER_OAUTH2_SECRET": "secret",
    "FLOWER_OAUTH2_REDIRECT_URI": "https://example.com/flower/login",
}
ALL_EVENTS = Events(enabled_by_flower=True, by_workers=True, by_publishers=True)


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "10.0.0.1", "example.com"])  # noqa: S104  # what is refused
def test_nobody_is_let_in_from_a_network_without_a_login(address: str) -> None:
    """The message says what to do; Flower's own default, the empty address, is every one."""
    said = problem(Access(address))
    assert ("--basic-auth-file" in said, "FLOWER_AUTH" in said, "--address=127.0.0.1" in said) == (True, True, True)


@pytest.mark.parametrize(
    "access",
    [
        Access(LOOPBACK),
        Access("", unix_socket="/run/flower.sock"),
        Access("", basic_auth=("me:secret",)),
        Access("", auth="me@example.com", oauth=tuple(OAUTH.items())),
    ],
    ids=["loopback", "socket", "basic-auth", "oauth"],
)
def test_what_may_be_started(access: Access) -> None:
    """Loopback, and everything with a login."""
    assert "" == problem(access)


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (Access(LOOPBACK, oauth=tuple(OAUTH.items())), "lets everyone in"),
        (Access(LOOPBACK, auth="me@example.com", oauth=(("FLOWER_OAUTH2_KEY", ""),)), "FLOWER_OAUTH2_KEY"),
        (Access(LOOPBACK, basic_auth=("me",)), "user:password"),
        (Access(LOOPBACK, basic_auth=("me:",)), "user:password"),
        (Access(LOOPBACK, basic_auth=("me:schlüssel",)), "ASCII"),
    ],
    ids=["nobody-named", "incomplete", "no-password", "empty-password", "not-ascii"],
)
def test_a_login_that_is_none(access: Access, said: str) -> None:
    """It is refused also on loopback: it lets everyone in, or nobody."""
    assert said in problem(access)


@pytest.mark.parametrize(
    ("address", "expected"), [("localhost", True), ("127.1.2.3", True), ("::1", True), ("loopback", False)]
)
def test_what_is_loopback(address: str, expected: bool) -> None:  # noqa: FBT001  # a case
    """Numbers that are, and localhost; another name may lead anywhere."""
    assert expected is is_loopback(address)


@pytest.mark.parametrize(
    "argument", ["--basic_auth=me:x", "-basic-auth=me:x", "--oauth2_secret=x", "--cookie-secret=x"]
)
def test_a_secret_on_the_command_line(argument: str) -> None:
    """Whoever lists processes could read it: the message says where it belongs, and does not repeat it."""
    said = exposed(argument)
    assert (True, False) == ("variable FLOWER_" in said, argument.partition("=")[2] in said.split())


def test_a_broker_api_with_a_password() -> None:
    """Only that has to be a variable."""
    assert "FLOWER_BROKER_API" in exposed("--broker_api=http://guest:guest@localhost:15672/api/")
    assert "" == exposed("--broker_api=http://localhost:15672/api/")


def test_pairs_are_read_from_a_file(tmp_path: Path) -> None:
    """One a line; comments and empty lines say nothing."""
    file = tmp_path / "pairs"
    file.write_text("# who\nme:secret\n\nyou:other\n")
    assert "me:secret,you:other" == read_secret("basic_auth", file)


@pytest.mark.parametrize("text", ["", "# nobody\n", "me:a,b\n"], ids=["empty", "comment", "comma"])
def test_a_file_of_pairs_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    """The message names the file and not what is in it."""
    file = tmp_path / "pairs"
    file.write_text(text)
    with pytest.raises(SecretError, match="pairs") as raised:
        read_secret("basic_auth", file)
    assert "a,b" not in str(raised.value)


@pytest.mark.parametrize(
    ("access", "events", "said"),
    [
        (Access(LOOPBACK), Events(True, False, True), ["each 5 seconds"]),  # noqa: FBT003  # a case
        (Access(LOOPBACK), Events(False, False, True), ["with -E"]),  # noqa: FBT003  # a case
        (Access(LOOPBACK), Events(True, True, False), ["task_send_sent_event"]),  # noqa: FBT003  # a case
        (Access("", basic_auth=("me:x",)), ALL_EVENTS, ["TLS"]),
        (Access("", basic_auth=("me:x",), tls=True), ALL_EVENTS, []),
        (Access(LOOPBACK, open_api=True), ALL_EVENTS, ["FLOWER_UNAUTHENTICATED_API"]),
        (Access(LOOPBACK), ALL_EVENTS, []),
    ],
    ids=["switched-on", "no-events", "not-sent", "plain", "tls", "open-api", "nothing"],
)
def test_what_is_said_at_the_start(access: Access, events: Events, said: list[str]) -> None:
    """Each thing that is missing, or that Flower causes, and nothing else."""
    found = list(notes(access, events))
    assert len(said) == len(found)
    assert all(part in note for part, note in zip(said, found, strict=True))
