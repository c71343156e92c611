"""Environments with other versions, each made once under ~/.cache/celery-otel/compatibility."""

import hashlib
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from celery_otel_pipeline.repository import ROOT

CACHE = Path.home() / ".cache" / "celery-otel" / "compatibility"
#: What the workers of the ledger need beside celery-otel.
WORKERS = ("redis", "gevent", "eventlet")
MINORS = ("5.4", "5.5", "5.6", "5.7")
#: What has the versions that a version of Celery and its extra for Redis want, whatever constraints.txt says.
WITH_CELERY = ("kombu[redis]", "billiard", "redis")
#: What the oldest Celery takes at least, and is no dependency of ours by itself.
BELOW_CELERY = ("kombu==5.3.4", "billiard==4.2.0", "redis==4.5.2")
#: How packages are called that are released together and want each other at their very version: where one is named, no
#: other may be held by constraints.txt.
TOGETHER = "opentelemetry-"
#: Packages that are shown for each environment.
SHOWN = ("celery", "kombu", "billiard", "redis", "opentelemetry-sdk", "psutil", "protobuf", "grpcio")
_VERSIONS = (
    "import json, sys\nfrom importlib.metadata import version\nprint(json.dumps({n: version(n) for n in sys.argv[1:]}))"
)


class NotInstallableError(Exception):
    """An environment cannot be made: its packages do not go together, or there is no way to them."""


@dataclass(frozen=True)
class Environment:
    """An environment.

    Attributes:
        name: What the table calls it.
        requirements: What is installed into it beside celery-otel itself.
        constrained: Whether all that is not named is as in constraints.txt; else it is the newest there is.
    """

    name: str
    requirements: tuple[str, ...] = ()
    constrained: bool = True

    @property
    def directory(self) -> Path:
        """Where it is; another one if anything of it has changed."""
        inputs = [*self.requirements, str(self.constrained), (ROOT / "pyproject.toml").read_text(), str(ROOT)]
        mark = hashlib.sha256("\n".join([*inputs, (ROOT / "constraints.txt").read_text()]).encode()).hexdigest()[:8]
        return CACHE / f"{self.name.replace(' ', '-')}-{mark}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def made(self) -> Path:
        """The interpreter of the environment, which is made first if it is not there.

        Raises:
            NotInstallableError: it could not; with all that venv or pip says.
        """
        done = self.directory / "installed"
        if done.exists():
            return self.python
        self._told([sys.executable, "-m", "venv", str(self.directory)])
        # Not --quiet: without its lesser messages pip does not say what conflicts with what.
        pip = [str(self.python), "-m", "pip", "install", "--progress-bar=off", "--disable-pip-version-check"]
        wanted = ["--editable", str(ROOT), *WORKERS, *self.requirements]
        self._told([*pip, *self._constraints(), *wanted])
        done.touch()
        return self.python

    def _told(self, command: Sequence[str]) -> None:
        said = subprocess.run(command, check=False, capture_output=True, text=True)
        if said.returncode:
            raise NotInstallableError(f"{self.name!r} cannot be made:\n{said.stdout}{said.stderr}")

    def versions(self) -> Mapping[str, str]:
        """The versions of what matters."""
        import json  # noqa: PLC0415  # for this alone

        said = subprocess.run([self.python, "-c", _VERSIONS, *SHOWN], check=True, capture_output=True, text=True)
        found: Mapping[str, str] = json.loads(said.stdout)
        return found

    def _constraints(self) -> list[str]:
        if not self.constrained:
            return ["--upgrade"]
        named = {_family(text) for text in self.requirements}
        lines = (ROOT / "constraints.txt").read_text().splitlines()
        kept = [line for line in lines if line and _family(line) not in named]
        file = self.directory / "constraints.txt"
        file.write_text("\n".join(kept))
        return ["--constraint", str(file)]


def _family(requirement: str) -> str:
    """What is released together with a requirement: mostly itself alone."""
    name = Requirement(requirement).name.lower()
    return TOGETHER if name.startswith(TOGETHER) else name


def oldest() -> tuple[str, ...]:
    """Every dependency of ours at the oldest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return tuple(f"{one.name}=={_least(one)}" for one in map(Requirement, project["dependencies"]))


def _least(requirement: Requirement) -> str:
    return next(part.version for part in requirement.specifier if part.operator == ">=")


def all_environments() -> tuple[Environment, ...]:
    """Each minor version of Celery, the oldest of everything, and the newest."""
    minors = tuple(Environment(f"Celery {minor}", (f"celery[redis]=={minor}.*", *WITH_CELERY)) for minor in MINORS)
    return (*minors, Environment("oldest", (*oldest(), *BELOW_CELERY)), Environment("newest", (), constrained=False))
