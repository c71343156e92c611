"""Tokens: how they are made, kept and read."""

from pathlib import Path

import pytest

from celery_otel_api.errors import ConfigurationError
from celery_otel_api.operation import Scope
from celery_otel_api.settings import ApiSettings
from celery_otel_api.tokens import Token, Tokens, new_token, read_tokens


def test_a_token_has_256_bits_and_no_two_are_the_same() -> None:
    """43 characters of base64 are 256 random bits."""
    secrets = {new_token("ann", [Scope.READ])[0] for _ in range(100)}
    assert (100, {43}) == (len(secrets), {len(secret) for secret in secrets})


def test_what_is_kept_does_not_tell_the_token() -> None:
    """A token's line has the hash, not the token."""
    secret, token = new_token("ann", [Scope.READ, Scope.CONTROL])
    assert secret not in token.line
    assert token.line.startswith("ann:control+read:")


def test_a_line_reads_back_as_its_token(tmp_path: Path) -> None:
    """What the command prints is what the file takes, with comments and empty lines around it."""
    secret, token = new_token("ann", [Scope.READ, Scope.RESULTS])
    file = tmp_path / "tokens"
    file.write_text(f"# who may ask\n\n  {token.line}  \n", encoding="utf-8")
    assert token == read_tokens(ApiSettings.read(token_file=str(file))).find(secret)


def test_tokens_of_variable_and_file_are_all_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither replaces the other."""
    (ann, of_ann), (bob, of_bob), (cat, of_cat) = (new_token(name, [Scope.READ]) for name in ("ann", "bob", "cat"))
    file = tmp_path / "tokens"
    file.write_text(of_cat.line, encoding="utf-8")
    monkeypatch.setenv("CELERY_OTEL_API_TOKENS", f"{of_ann.line},{of_bob.line}")
    tokens = read_tokens(ApiSettings.read(token_file=str(file)))
    assert [of_ann, of_bob, of_cat] == [tokens.find(secret) for secret in (ann, bob, cat)]


@pytest.mark.parametrize("wrong", ["", "x", "é\udce9", "a" * 100_000])
def test_any_other_text_is_no_token(wrong: str) -> None:
    """Also what is empty, long, or not even text."""
    assert Tokens([new_token("ann", [Scope.READ])[1]]).find(wrong) is None


def test_the_hash_itself_is_no_token() -> None:
    """Who steals the token file has no token."""
    token = new_token("ann", [Scope.READ])[1]
    assert Tokens([token]).find(token.digest) is None


@pytest.mark.parametrize(
    "line",
    ["ann", "ann:read", "ann:read:abc", ":read:" + "0" * 64, "ann bob:read:" + "0" * 64, "ann::" + "0" * 64],
)
def test_a_line_that_cannot_be_used_ends_the_start(line: str) -> None:
    """The message says where it is, and not what it is: it may be the token itself."""
    with pytest.raises(ConfigurationError, match=r"--tokens \(CELERY_OTEL_API_TOKENS\), entry 1") as caught:
        read_tokens(ApiSettings.read(tokens=line))
    assert line not in str(caught.value)


def test_a_scope_that_does_not_exist_ends_the_start() -> None:
    """The message names those that exist."""
    with pytest.raises(ConfigurationError, match="read, results, control, metrics"):
        read_tokens(ApiSettings.read(tokens="ann:read+write:" + "0" * 64))


def test_a_token_file_without_tokens_ends_the_start(tmp_path: Path) -> None:
    """An emptied file must not open the service to everyone."""
    file = tmp_path / "tokens"
    file.write_text("# none yet\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has no token"):
        read_tokens(ApiSettings.read(token_file=str(file)))


def test_a_token_file_that_is_missing_ends_the_start(tmp_path: Path) -> None:
    """The message names the option and the file."""
    with pytest.raises(ConfigurationError, match=r"--token-file .*nowhere"):
        read_tokens(ApiSettings.read(token_file=str(tmp_path / "nowhere")))


def test_a_name_that_would_break_the_line_is_refused() -> None:
    """A colon separates the line's parts."""
    with pytest.raises(ConfigurationError, match="--name"):
        new_token("ann:bob", [Scope.READ])


def test_tokens_of_one_name_may_be_several() -> None:
    """So a token can be replaced without a moment in which neither is valid."""
    (old, former), (new, latter) = new_token("ann", [Scope.READ]), new_token("ann", [Scope.READ])
    tokens = Tokens([former, latter])
    assert [former, latter] == [tokens.find(old), tokens.find(new)]
    assert isinstance(tokens.find(old), Token)
