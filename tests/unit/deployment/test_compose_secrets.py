"""What `prepare` of compose.yaml draws and gives away is what the services expect."""

import re
import subprocess
from pathlib import Path

import pytest

from celery_otel_api.settings import ApiSettings
from celery_otel_api.tokens import Tokens, read_tokens
from celery_otel_pipeline.repository import ROOT
from tests.unit.deployment.composed import SERVICES

SCRIPT = ROOT / "collector/tools/prepare_volumes.sh"
SECRETS = {mount.source for mount in SERVICES["prepare"].mounts if mount.source.endswith("-secrets")}


def prepared(directory: Path, command: str = "all") -> str:
    """Run the script on directories in the place of volumes, and return what it says."""
    for mount in SERVICES["prepare"].mounts[1:]:
        (directory / mount.source).mkdir(exist_ok=True)
    env = {"VOLUMES": str(directory), "PATH": "/usr/bin:/bin"}
    argv = ["/bin/sh", str(SCRIPT), command]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def tokens(directory: Path) -> Tokens:
    """The tokens as the API reads them."""
    return read_tokens(ApiSettings.read(token_file=str(directory / "api-secrets/tokens")))


def secret(directory: Path, name: str) -> str:
    """What a file has."""
    return (directory / name).read_text().strip()


def test_the_api_takes_the_tokens_that_were_drawn(tmp_path: Path) -> None:
    """The operator may do everything, Prometheus only read the metrics."""
    prepared(tmp_path)
    known = tokens(tmp_path)

    operator = known.find(secret(tmp_path, "operator-secrets/api-token"))
    prometheus = known.find(secret(tmp_path, "prometheus-secrets/api-token"))
    assert operator is not None
    assert prometheus is not None
    assert {"read", "results", "control"} == {scope.value for scope in operator.scopes}
    assert {"metrics"} == {scope.value for scope in prometheus.scopes}


def test_what_was_drawn_stays(tmp_path: Path) -> None:
    """A second start changes no password and no token."""
    prepared(tmp_path)
    first = {path: path.read_text() for path in tmp_path.glob("*/*")}
    prepared(tmp_path)

    assert len(first) == 6
    assert first == {path: path.read_text() for path in tmp_path.glob("*/*")}


def test_every_secret_is_another_one_and_nobody_else_reads_it(tmp_path: Path) -> None:
    """Nothing is guessed from anything else, and the files are their owner's alone."""
    prepared(tmp_path)
    drawn = [path for path in tmp_path.glob("*/*") if path.name not in {"tokens", "logins"}]

    assert len(drawn) == len({path.read_text() for path in drawn}) == 4
    assert {43} == {len(path.read_text()) for path in drawn}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.glob("*/*")}


def test_the_operator_is_shown_what_was_drawn(tmp_path: Path) -> None:
    """The three places to log in, with what to type there."""
    prepared(tmp_path)
    shown = prepared(tmp_path, "show")

    for name in ("operator-secrets/api-token", "grafana-secrets/admin-password", "operator-secrets/flower-password"):
        assert secret(tmp_path, name) in shown
    assert (
        secret(tmp_path, "flower-secrets/logins") == f"operator:{secret(tmp_path, 'operator-secrets/flower-password')}"
    )


def test_nothing_is_shown_before_anything_was_drawn(tmp_path: Path) -> None:
    """Instead of empty passwords the operator reads what to do."""
    with pytest.raises(subprocess.CalledProcessError) as failed:
        prepared(tmp_path, "show")

    assert "start the services first" in failed.value.stderr
    assert "" == failed.value.stdout


def test_every_volume_is_given_to_those_who_use_it() -> None:
    """A service can write its data and read its secrets, since they are its user's."""
    given = re.findall(r"^  give (\d+:\d+) (.+)$", SCRIPT.read_text(), re.MULTILINE)
    owners = {volume: owner for owner, volumes in given for volume in volumes.split()}
    users = {
        (mount.source, service.user)
        for service in SERVICES.values()
        for mount in service.mounts
        if mount.source in owners and service.name != "prepare"
    }

    assert set(owners.items()) == users
    assert {*owners, "operator-secrets"} == {mount.source for mount in SERVICES["prepare"].mounts[1:]}


@pytest.mark.parametrize("volume", sorted(SECRETS))
def test_a_secret_is_mounted_where_it_is_read(volume: str) -> None:
    """One service has it, read-only, and names a file in it; the operator's is shown by `prepare` alone."""
    having = [
        (service, mount)
        for service in SERVICES.values()
        for mount in service.mounts
        if mount.source == volume and service.name != "prepare"
    ]
    if volume == "operator-secrets":
        assert [] == having
        return
    ((service, mount),) = having
    named = [str(value) for value in service.environment.values() if str(value).startswith(f"{mount.target}/")]

    assert mount.read_only
    # Prometheus scrapes the collector alone: its token waits for whoever lets it scrape the API instead.
    assert bool(named) == (service.name != "prometheus")
