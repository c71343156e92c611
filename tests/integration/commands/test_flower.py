"""`celery otel flower` starts a real Flower, as the monitoring guide has it, and no open one."""

import re
import sys
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from celery import Celery

from celery_otel_pipeline.fetching import fetch, is_reachable
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.ports import LOOPBACK, free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from tests.integration.api.browsing import chromium, visit
from tests.integration.commands.conftest import Shop

ORDER = "tests.integration.commands.application.order"
OAUTH = {
    "FLOWER_AUTH": "me@example.com",
    "FLOWER_AUTH_PROVIDER": "flower.views.auth.GithubLoginHandler",
    "FLOWER_OAUTH2_KEY": "id",
    "FLOWER_OAUTH2_REDIRECT_URI": "https://example.com/flower/login",
}
ONLINE = "flower_worker_online{"
SCRIPT = ROOT / "docs" / "examples" / "start_flower.py"


class Started:
    """A Flower that was started by our command.

    Args:
        shop: Its application.
        arguments: The command's.
        env: Variables of the process.
    """

    def __init__(self, shop: Shop, *arguments: str, **env: str) -> None:
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}/flower"
        command = shop.command("flower", f"--port={port}", f"--db={shop.directory / 'flower.db'}", *arguments)
        self.process = Process("flower", command, directory=shop.directory, env=shop.environment(env), cwd=ROOT)

    def __enter__(self) -> Self:
        self.process.start()
        wait_until(lambda: is_reachable(f"{self.url}/healthcheck"), deadline=30, message=lambda: self.process.log_tail)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def _series(flower: Started) -> str:
    return fetch(f"{flower.url}/metrics")


def _send(shop: Shop, door: Path, **how: object) -> None:
    """Sends a task that ends when there is a door."""
    with Celery("client", broker=shop.url, set_as_current=False) as client:
        client.send_task(ORDER, [str(door)], **how)


def test_the_page_in_a_browser(shop: Shop) -> None:
    """At /flower are the worker and the task that it ran; the task is still there after a restart."""
    worker = shop.worker("one", arguments=["-E"])
    door = shop.directory / "door"
    door.touch()
    with chromium() as browser:
        with Started(shop) as flower:
            wait_until(lambda: ONLINE in _series(flower), deadline=30, message=lambda: _series(flower))
            _send(shop, door)
            wait_until(lambda: "task-succeeded" in _series(flower), deadline=30, message=lambda: _series(flower))
            with visit(browser, flower.url) as seen:
                seen.sees("#workers-table", worker.node_name)
            assert 0 == flower.process.stop(), flower.process.log_tail
        with Started(shop) as flower, visit(browser, flower.url) as seen:
            seen.page.goto(f"{flower.url}/tasks")
            seen.sees("#tasks-table", "SUCCESS")


def test_a_login_beyond_loopback(shop: Shop) -> None:
    """Whoever shows the pair of the file comes in, and nobody else; the series are open all the same, as we say."""
    pairs = shop.directory / "pairs"
    pairs.write_text("me:secret\n")
    with Started(shop, "--address=0.0.0.0", FLOWER_BASIC_AUTH_FILE=str(pairs)) as flower:
        assert "TLS" in flower.process.log
        statuses = [
            httpx.get(f"{flower.url}/{path}", auth=auth).status_code
            for path, auth in [("", None), ("", ("me", "wrong")), ("", ("me", "secret")), ("metrics", None)]
        ]
    assert [401, 401, 200, 200] == statuses


def test_a_login_by_oauth(shop: Shop) -> None:
    """Whoever has not logged in is led to the provider, with the application's id and the redirect URI."""
    secret = shop.directory / "secret"
    secret.write_text("of-the-application\n")
    with Started(shop, "--address=0.0.0.0", f"--oauth2-secret-file={secret}", **OAUTH) as flower:
        page = httpx.get(f"{flower.url}/")
        login = httpx.get(urljoin(flower.url, page.headers["location"]))
    provider = urlsplit(login.headers["location"])
    assert ("github.com", "/login/oauth/authorize") == (provider.netloc, provider.path)
    asked = parse_qs(provider.query)
    assert [["id"], ["https://example.com/flower/login"]] == [asked["client_id"], asked["redirect_uri"]]


@pytest.mark.parametrize(
    ("arguments", "env", "status", "said"),
    [
        (["--address=0.0.0.0"], {}, 1, "--basic-auth-file"),
        ([], {"FLOWER_ADDRESS": "0.0.0.0"}, 1, "--basic-auth-file"),  # noqa: S104  # what is refused
        (["--basic_auht=me:secret"], {}, 2, "has no option --basic_auht"),
        (["--", "--basic_auth=me:secret"], {}, 2, "--basic-auth-file"),
        (["--inspect_timeout=soon"], {}, 1, "cannot use"),
    ],
    ids=["option", "variable", "misspelt", "exposed", "wrong"],
)
def test_what_it_refuses(nowhere: Shop, arguments: list[str], env: dict[str, str], status: int, said: str) -> None:
    """To be open, to leave an option out, to let a password be read: it says what to do, without a traceback."""
    found = nowhere.run("flower", *arguments, **env)
    assert (status, True, False) == (found.status, said in found.errors, "Traceback" in found.errors), found.errors


def test_the_script_of_the_guide(shop: Shop) -> None:
    """`python start_flower.py` serves the application beside it at the script's port, and writes its database there."""
    port = free_port()
    (shop.directory / "start_flower.py").write_text(SCRIPT.read_text().replace("5555", str(port)))
    (shop.directory / "app").mkdir()
    (shop.directory / "app" / "celery_app.py").write_text("from celery import Celery\n\ncelery_app = Celery('app')\n")
    env = shop.environment({"CELERY_BROKER_URL": shop.url})
    argv = [sys.executable, "start_flower.py"]
    with Process("script", argv, directory=shop.directory, env=env, cwd=shop.directory) as script:
        wait_until(
            lambda: is_reachable(f"http://{LOOPBACK}:{port}/flower/"), deadline=30, message=lambda: script.log_tail
        )
        assert 0 == script.stop(), script.log_tail
    assert list(shop.directory.glob("flower.db*"))


def test_it_counts_a_hard_time_limit_twice(shop: Shop) -> None:
    """As docs/guides/flower.md says: two failures of one attempt; the series of celery-otel has one."""
    port = free_port()
    env = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(port)}
    shop.worker("one", pool="prefork", arguments=["-E"], env=env)
    with Started(shop) as flower:
        wait_until(lambda: ONLINE in _series(flower), deadline=30, message=lambda: _series(flower))
        _send(shop, shop.directory / "none", time_limit=1)
        wait_until(
            lambda: re.search(r'flower_events_total\{.*type="task-failed".*\} 2\.0', _series(flower)),
            deadline=30,
            message=lambda: _series(flower),
        )
    series = fetch(f"http://{LOOPBACK}:{port}/metrics")
    assert re.search(r'^celery_task_failures_total\{.*error_type="timeout".*\} 1\.0$', series, re.MULTILINE), series
