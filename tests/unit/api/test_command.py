"""The command: its options, and what it says when something is wrong."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from click.testing import CliRunner

from celery_otel_api.command import load_application, main
from celery_otel_api.errors import ConfigurationError
from celery_otel_api.server import address_of, listening
from celery_otel_api.settings import ApiSettings
from celery_otel_api.tokens import digest_of

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "api.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("bookshop", "bookshop_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["bookshop", "bookshop:application"])
def test_the_application_is_found_as_celery_finds_it(name: str, project: Path) -> None:
    """By its module, or its module and attribute."""
    (project / "bookshop.py").write_text("import celery\napplication = celery.Celery('books')\n", encoding="utf-8")
    found = load_application(name)
    assert (True, "books") == (isinstance(found, Celery), found.main)


@pytest.mark.parametrize("name", ["bookshop_missing", "json:dumps", "bookshop_broken", ""])
def test_an_application_that_cannot_be_loaded_is_named(name: str, project: Path) -> None:
    """With the option, and why."""
    (project / "bookshop_broken.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"--app '{name}'"):
        load_application(name)


def test_a_broken_application_is_named_with_its_line(project: Path) -> None:
    """Its author finds it without a traceback."""
    (project / "bookshop_broken.py").write_text("import os\n1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"ZeroDivisionError: .*bookshop_broken\.py, line 2"):
        load_application("bookshop_broken")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name your application by --app"),
        (["-A", "json", "--port", "x"], "--port (CELERY_OTEL_API_PORT) cannot be 'x'"),
        (["-A", "no_such_module"], "--app 'no_such_module'"),
    ],
)
def test_what_is_wrong_is_one_clear_error(arguments: list[str], said: str) -> None:
    """It names the option; there is no traceback."""
    result = CliRunner().invoke(main, arguments)
    assert (2, True, False) == (result.exit_code, said in result.output, "Traceback" in result.output)


def test_every_setting_has_an_option_and_a_row_in_the_guide() -> None:
    """Of the same name, and with its variable."""
    shown, guide = CliRunner().invoke(main, ["--help"]).output, GUIDE.read_text(encoding="utf-8")
    for name in ApiSettings.model_fields:
        option, variable = f"--{name.replace('_', '-')}", f"CELERY_OTEL_API_{name.upper()}"
        assert option in shown
        assert f"`{option}`" in guide, f"{option} is not in {GUIDE.name}"
        assert f"`{variable}`" in guide, f"{variable} is not in {GUIDE.name}"


def test_the_version_is_shown() -> None:
    """That of celery-otel."""
    assert CliRunner().invoke(main, ["--version"]).output.startswith("celery-otel-api, version ")


def test_a_token_is_shown_once_with_its_line() -> None:
    """The line has the hash of the token, which nobody needs to keep elsewhere."""
    result = CliRunner().invoke(main, ["token", "--name", "ann", "--scope", "read", "--scope", "control"])
    secret, line = (row.rpartition(" ")[2] for row in result.output.splitlines())
    assert f"ann:control+read:{digest_of(secret)}" == line


def test_a_port_that_is_taken_is_named() -> None:
    """With the option, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"--port .* {port} .*Address already in use"):
            listening(ApiSettings.read(port=port))


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    """With the option."""
    with pytest.raises(ConfigurationError, match="--host"):
        listening(ApiSettings.read(host=host, port=0))


def test_the_address_is_shown_as_a_browser_takes_it() -> None:
    """With the port that was free, and the scheme of TLS."""
    settings = ApiSettings.read(port=0, ssl_certfile="x")
    with listening(settings) as listener:
        assert f"https://127.0.0.1:{listener.getsockname()[1]}" == address_of(listener, settings)
