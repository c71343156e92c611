"""The workflows of hosted CI and the forms for issues keep to their schemas, and run what `make` and .ci/run do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.repository import ROOT
from tests.unit.deployment.schemas import complaints

HOSTED = ROOT / ".github"
WORKFLOWS = sorted((HOSTED / "workflows").glob("*.yml"))
FORMS = [path for path in sorted((HOSTED / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]


def workflow(name: str) -> dict[str, Any]:
    """A workflow, by its file's name without the end."""
    loaded: dict[str, Any] = yaml.safe_load((HOSTED / "workflows" / f"{name}.yml").read_text())
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    """All steps of a workflow."""
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def commands(name: str) -> str:
    """All that a workflow runs."""
    return "\n".join(step.get("run", "") for step in steps(name))


def test_workflows_keep_to_their_schema() -> None:
    """The schema of hosted workflows has nothing against them."""
    assert ["release.yml", "test.yml"] == [path.name for path in WORKFLOWS]
    assert "" == complaints("github-workflows", WORKFLOWS)


def test_the_schema_would_complain(tmp_path: Path) -> None:
    """A misspelt key is found: the test before can fail."""
    wrong = tmp_path / "test.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs_on:", 1))

    assert "runs_on" in complaints("github-workflows", [wrong])


def test_forms_keep_to_their_schemas() -> None:
    """The schemas of issue forms and of their chooser have nothing against them."""
    assert "" == complaints("github-issue-forms", FORMS)
    assert "" == complaints("github-issue-config", [HOSTED / "ISSUE_TEMPLATE" / "config.yml"])


@pytest.mark.parametrize("name", ["release", "test"])
def test_an_action_has_a_version_and_a_workflow_few_rights(name: str) -> None:
    """No action changes under us, and none may write unless its job says so."""
    used = [step["uses"] for step in steps(name) if "uses" in step]

    assert used
    assert [] == [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action)]
    assert {"contents": "read"} == workflow(name)["permissions"]


def test_hosted_tests_run_what_the_readme_names_on_every_python() -> None:
    """The matrix has the Pythons of the package, and the commands are those of .ci/run."""
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    here = (ROOT / ".ci/run").read_text().splitlines()[-1].removeprefix("make ").split()
    ran = {target for line in re.findall(r"\bmake (.*)", commands("test")) for target in line.split()}

    assert classifiers == workflow("test")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert set(here) <= ran


def test_a_release_builds_what_is_released() -> None:
    """The wheel and the source distribution, the images of all Dockerfiles, and the docs."""
    built = commands("release")

    for wanted in ("python -m build", "make docs", *dockerfiles()):
        assert wanted in built


def dockerfiles() -> list[str]:
    """The Dockerfiles of what is released: the collector and the API, not the example."""
    return ["--file api/Dockerfile", "--file collector/Dockerfile"]
