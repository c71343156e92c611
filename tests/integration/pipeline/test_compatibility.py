"""The rules that write other exporters' names are valid, give what their mapping says, and are all in the docs."""

import re
import subprocess

import pytest
import yaml

from celery_otel_pipeline.repository import ROOT
from celery_otel_pipeline.tools import tool_path

RULES = ROOT / "collector" / "prometheus" / "compatibility"
PAGE = ROOT / "docs" / "migrating.md"
FILES = ("celery-exporter.yml", "flower.yml")
HISTOGRAM = re.compile("_(bucket|sum|count)$")
TABLE_ROW = re.compile(r"^\| `([a-z_]+)`[^|]*\| ([^|]*)\|", re.MULTILINE)
OTHER_WAY = ("not here", "the same name")


def promtool(*arguments: str) -> None:
    """Runs promtool, which must be content."""
    done = subprocess.run(
        [str(tool_path("promtool")), *arguments], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def recorded() -> set[str]:
    """The names that the rules write; those of a histogram's parts without their ends."""
    groups = [group for file in FILES for group in yaml.safe_load((RULES / file).read_text())["groups"]]
    names = {rule["record"] for group in groups for rule in group["rules"]}
    parts = {name for name in names if HISTOGRAM.sub("_bucket", name) in names}
    return (names - parts) | {HISTOGRAM.sub("", name) for name in parts}


@pytest.mark.parametrize("file", FILES)
def test_the_rules_are_valid(file: str) -> None:
    """Promtool finds nothing to complain about, duplicates included."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", file)


def test_the_values_are_those_of_the_mapping() -> None:
    """Every name has its counterpart's value and labels, a restart stays a restart, and nothing comes of nothing."""
    promtool("test", "rules", "tests.yaml")


def test_the_page_has_every_name_that_is_recorded() -> None:
    """The tables of docs/migrating.md have a row for each recorded name, and none for one that is not."""
    rows = dict(TABLE_ROW.findall(PAGE.read_text()))
    told = {name for name, counterpart in rows.items() if not counterpart.startswith(OTHER_WAY)}
    assert recorded() == told
