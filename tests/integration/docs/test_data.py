"""The queries, configurations and documents of README and docs are valid."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_otel_pipeline.tools import tool_path
from tests.doc_blocks.block import Block, all_blocks

SECONDS = 60


class _Loader(yaml.SafeLoader):
    """Takes the tags of Compose, such as `!reset`, for what is behind them."""


_Loader.add_multi_constructor("!", lambda *_: None)


def blocks_in(language: str) -> list[Block]:
    """Those of a language that can be looked at here."""
    return [block for block in all_blocks() if block.language == language and not block.needs and not block.is_output]


def queries(block: Block) -> list[str]:
    """The expressions of a block: each on lines of its own, up to an empty one, or one on each line."""
    parts = [
        part for part in re.split(r"\n\s*\n", re.sub(r"^#.*$", "", block.text, flags=re.MULTILINE)) if part.strip()
    ]
    return [query for part in parts for query in _split(part)]


def _split(part: str) -> list[str]:
    lines = part.strip().splitlines()
    goes_on = any(
        line[:1].isspace() or line.rstrip().endswith(("/", "(", "and", "or", "unless", "+", "-")) for line in lines
    )
    return [part.strip()] if goes_on else lines


def test_queries(tmp_path: Path) -> None:
    """Prometheus's tool reads each one: they are given to it as rules, all at once."""
    found = [(block.where, query) for block in blocks_in("promql") for query in queries(block)]
    rules = [{"record": f"docs:query:{number}", "expr": query} for number, (_, query) in enumerate(found)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "docs", "rules": rules}]}))
    argv = [str(tool_path("promtool")), "check", "rules", str(tmp_path / "queries.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert f"{len(found)} rules found" in done.stdout, f"{done.stdout}{done.stderr}{dict(enumerate(found))}"
    assert 0 == done.returncode


def test_json() -> None:
    """Each document is one."""
    for block in blocks_in("json"):
        json.loads(block.text)


@pytest.mark.parametrize("block", blocks_in("yaml"), ids=lambda block: block.where)
def test_yaml(block: Block, tmp_path: Path) -> None:
    """It can be read; rules and the collector's configuration are what their programs take."""
    documents = list(yaml.load_all(block.text, _Loader))  # a safe loader
    assert all(document is not None for document in documents)
    (tmp_path / "block.yaml").write_text(block.text)
    if command := _checker(documents[0]):
        argv = [*command, str(tmp_path / "block.yaml")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert 0 == done.returncode, done.stderr + done.stdout


def _checker(document: Any) -> list[str]:
    """The command that checks a document of its kind; none for kinds that have no checker."""
    keys = set(document) if isinstance(document, dict) else set()
    if "groups" in keys:
        return [str(tool_path("promtool")), "check", "rules"]
    if {"receivers", "exporters", "service"} <= keys:
        return [str(tool_path("otelcol")), "validate", "--config"]
    if "scrape_configs" in keys:
        return [str(tool_path("promtool")), "check", "config", "--syntax-only"]
    return []
