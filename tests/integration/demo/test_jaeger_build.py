"""The demo's build of Jaeger: real make, real Go."""

import os
import shutil
from pathlib import Path

import pytest
from docs.examples.demo.driver.jaeger_build import BuildError, JaegerBuild

BEGUN = "building jaeger"


def shadow(directory: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Put programs that only fail in front of those on the PATH."""
    broken = shutil.which("false")
    assert broken is not None
    directory.mkdir()
    for program in programs:
        (directory / program).symlink_to(broken)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")


def said(line: str) -> None:
    """Hear how far the build is."""


def nothing() -> None:
    """Find all servers alive."""


class Interrupter:
    """Presses Ctrl-C once the build has begun."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def check(self) -> None:
        """Is asked again and again while the build runs."""
        if any(BEGUN in line for line in self.said):
            raise KeyboardInterrupt


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where programs are built to: nothing is there yet, and Go has compiled nothing before."""
    monkeypatch.setenv("CELERY_OTEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOCACHE", str(tmp_path / "compiled"))
    monkeypatch.delenv("CELERY_OTEL_TOOL_JAEGER", raising=False)
    return tmp_path / "cache" / "tools"


def test_a_failed_build_shows_its_log(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Go fails, the error carries the end of the log, and the cache keeps nothing half."""
    shadow(tmp_path / "shadows", monkeypatch, "jaeger", "go")
    with pytest.raises(BuildError, match=rf"(?s)jaeger-build\.log:.*{BEGUN}"):
        JaegerBuild(tmp_path, said, nothing).run()
    assert [".lock"] == [entry.name for entry in cache.iterdir()]


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of the build removes what it had built so far."""
    shadow(tmp_path / "shadows", monkeypatch, "jaeger")
    interrupter = Interrupter()
    with pytest.raises(KeyboardInterrupt):
        JaegerBuild(tmp_path, interrupter.said.append, interrupter.check).run()
    assert [".lock"] == [entry.name for entry in cache.iterdir()]


def test_a_chosen_jaeger_is_not_built(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names a Jaeger of their own waits for no build."""
    monkeypatch.setenv("CELERY_OTEL_TOOL_JAEGER", "/usr/bin/jaeger")
    JaegerBuild(tmp_path, pytest.fail, nothing).run()
    assert not cache.exists()
