"""Prometheus's own tool on the rules: it accepts them, and sees them fire and not fire."""

import subprocess
from pathlib import Path

import pytest
import yaml

from celery_otel_pipeline.tools import tool_path
from tests.unit.rules.shipped import GUIDE, PROMETHEUS, RUNBOOKS, queries

TESTS = sorted(path for path in (PROMETHEUS / "tests").glob("*.yml") if path.stem != "guide_rules")
RULES = (*sorted((PROMETHEUS / "rules").glob("*.yml")), PROMETHEUS / "tests" / "guide_rules.yml")


def _promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run([tool_path("promtool"), *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_rules_have_no_fault() -> None:
    """Every check that promtool has finds nothing, in the guide's rules neither."""
    status, said = _promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)

    assert 0 == status, said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_give_what_is_expected(path: Path) -> None:
    """Each alert fires when it should, does not when it should not, and ends with its series; ratios are right."""
    status, said = _promtool("test", "rules", path)

    assert 0 == status, said


def test_the_queries_of_guide_and_runbooks_are_accepted(tmp_path: Path) -> None:
    """What an operator copies at night from a page is PromQL."""
    pages = (GUIDE, *sorted(RUNBOOKS.glob("*.md")))
    asked = [query for page in pages for query in queries(page.read_text())]
    rules = [{"record": f"page:query:{number}", "expr": query} for number, query in enumerate(asked)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "pages", "rules": rules}]}))

    status, said = _promtool("check", "rules", path)

    assert len(asked) > len(pages)
    assert 0 == status, said
