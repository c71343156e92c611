"""Secrets of Flower: from files, and not from a command line, which every user of the machine can read."""

from collections.abc import Iterator
from pathlib import Path

VARIABLES = {
    "basic_auth": "--basic-auth-file, or the variable FLOWER_BASIC_AUTH",
    "oauth2_secret": "--oauth2-secret-file, or the variable FLOWER_OAUTH2_SECRET",
    "cookie_secret": "the variable FLOWER_COOKIE_SECRET",
}
BROKER_API = "broker_api"


class SecretError(Exception):
    """A file of secrets cannot be used."""


def exposed(argument: str) -> str:
    """What is wrong with an option of the command line that has a secret in it; empty if it has none."""
    name, _, value = argument.lstrip("-").partition("=")
    name = name.replace("-", "_")
    if name in VARIABLES:
        return _refusal(name, VARIABLES[name])
    return _refusal(name, "the variable FLOWER_BROKER_API") if name == BROKER_API and "@" in value else ""


def _refusal(name: str, instead: str) -> str:
    return f"--{name} on the command line can be read by every user of this machine. Use {instead}."


def read_secret(name: str, path: Path) -> str:
    """What a file has for an option of Flower, on one line.

    Args:
        name: The option: of `basic_auth` each line is a pair, of others the whole file is the value.
        path: The file. Lines that are empty or begin with # say nothing.

    Raises:
        SecretError: It cannot be read, or says nothing, or a pair has a comma, at which Flower would cut it.
    """
    lines = list(_lines(path))
    if not lines:
        raise SecretError(f"{path} has no line that says anything.")
    if name != "basic_auth":
        return "\n".join(lines)
    if any("," in line for line in lines):
        raise SecretError(f"{path} has a comma, at which Flower cuts user names and passwords: choose others.")
    return ",".join(lines)


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path} cannot be read: {error}") from error
    return (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
