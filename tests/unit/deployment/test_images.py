"""The Dockerfiles can be built from the repository, and what they make runs as nobody in particular."""

import re
from pathlib import Path

import pytest

from celery_otel_pipeline.repository import ROOT

DOCKERFILES = [ROOT / name for name in ("api/Dockerfile", "collector/Dockerfile", "docs/examples/demo/Dockerfile")]
each_image = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """What a Dockerfile says, line by line: the instruction and the rest."""
    text = re.sub(r"\\\n\s*", "", dockerfile.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def said(dockerfile: Path, instruction: str) -> list[str]:
    """What a Dockerfile says with one kind of instruction."""
    return [rest for name, rest in instructions(dockerfile) if name == instruction]


def context() -> set[Path]:
    """The paths that .dockerignore lets into a build."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return {ROOT / line.removeprefix("!") for line in lines if line.startswith("!")}


def sources(dockerfile: Path) -> list[Path]:
    """What a Dockerfile copies from the repository."""
    copies = [copy.split() for copy in said(dockerfile, "COPY") if not copy.startswith("--from")]
    return [path for *names, _ in copies for name in names for path in ROOT.glob(name)]


@each_image
def test_what_is_copied_is_there_and_let_in(dockerfile: Path) -> None:
    """Each path exists, and .dockerignore names it, something in it, or what it is in."""
    copies = [name for copy in said(dockerfile, "COPY") if not copy.startswith("--from") for name in copy.split()[:-1]]

    assert copies
    assert [] == [name for name in copies if not list(ROOT.glob(name))]
    assert [] == [
        path
        for path in sources(dockerfile)
        if not any(path.is_relative_to(let_in) or let_in.is_relative_to(path) for let_in in context())
    ]


def test_what_is_let_in_is_there() -> None:
    """.dockerignore names nothing that was renamed, and begins by keeping everything out."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" == next(line for line in lines if not line.startswith("#"))
    assert [] == [path for path in context() if not path.exists()]


@each_image
def test_it_is_built_on_exact_versions(dockerfile: Path) -> None:
    """Every base has a full version, or is nothing at all."""
    bases = [rest.split(" ")[0] for rest in said(dockerfile, "FROM")]

    assert len(bases) == 2
    assert [] == [base for base in bases if base != "scratch" and not re.search(r":\d+\.\d+\.\d+-\w+", base)]


def test_both_python_images_are_of_one_python() -> None:
    """What the API runs on, the workers run on."""
    bases = {base.split(" ")[0] for dockerfile in DOCKERFILES for base in said(dockerfile, "FROM") if "python" in base}

    assert len(bases) == 1


@each_image
def test_it_runs_as_nobody_in_particular(dockerfile: Path) -> None:
    """A number, so that whoever runs it can see that it is not root's."""
    assert ["10001:10001"] == said(dockerfile, "USER")
    assert "USER" in [name for name, _ in instructions(dockerfile)][-5:]


@each_image
def test_python_packages_are_those_of_the_constraints(dockerfile: Path) -> None:
    """What pip installs are the versions that the tests ran with."""
    installs = [run for run in said(dockerfile, "RUN") if "pip install" in run]

    assert [] == [run for run in installs if "--constraint constraints.txt" not in run]
    assert bool(installs) == (dockerfile.parent.name != "collector")
