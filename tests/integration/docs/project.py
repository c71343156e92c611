"""The project of somebody who reads the docs: the README's application, its broker, and a shell in it."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from celery_otel_pipeline.ports import free_port
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.tools import tool_path
from tests.doc_blocks.block import blocks_of

SILENT = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}
_PACKAGES = ("proj", "app")


class Project:
    """A directory with the application under every name that the pages give it.

    Args:
        directory: Where it is.
        broker_url: Its broker, and its result backend.
    """

    def __init__(self, directory: Path, broker_url: str) -> None:
        self.directory = directory
        self.broker_url = broker_url
        application = next(
            block.text for block in blocks_of("README.md", (ROOT / "README.md").read_text()) if _is_app(block.text)
        )
        (directory / "shop.py").write_text(application)
        for package in _PACKAGES:
            (directory / package).mkdir()
            (directory / package / "celery_app.py").write_text("from shop import app\n")
        shutil.copytree(ROOT / "docs" / "kubernetes", directory / "docs" / "kubernetes")

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What programs of the project run with: the commands of this checkout, and its broker."""
        found = {
            "CELERY_BROKER_URL": self.broker_url,
            "CELERY_RESULT_BACKEND": self.broker_url,
            "PATH": ":".join([*_programs(), os.environ["PATH"]]),
            "EDITOR": "ls",
            "PYTHONUNBUFFERED": "1",
        }
        return {**found, **{name: self._filled(value) for name, value in (more or {}).items()}}

    def shell(self, name: str, script: str, *, env: Mapping[str, str] | None = None, at_root: bool = False) -> Process:
        """A shell that runs a script, not started yet. What the script has of /tmp/ is in the project's directory."""
        here = self._filled(script.replace("/tmp/", f"{self.directory}/"))  # noqa: S108  # it is what pages say
        return Process(
            name,
            ["bash", "-euo", "pipefail", "-c", here],
            directory=self.directory / "logs",
            env=self.environment(env),
            cwd=ROOT if at_root else self.directory,
        )

    def _filled(self, text: str) -> str:
        ported = re.sub(r"\{port\}", lambda _: str(free_port()), text)
        return ported.replace("{directory}", str(self.directory))


def _programs() -> list[str]:
    """Where the commands of this checkout are, and the Go programs."""
    return [str(Path(sys.executable).parent), *(str(tool_path(name).parent) for name in ("otelcol", "promtool"))]


def _is_app(text: str) -> bool:
    return "instrument(app)" in text
