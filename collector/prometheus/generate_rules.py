# ruff: noqa: INP001  # a script beside what it writes, in no package
"""Writes Prometheus's rules from their sources: `make rules`.

`python collector/prometheus/generate_rules.py` writes rules/recording.yml and rules/alerts.yml beside this file, and
the same as a PrometheusRule into docs/kubernetes; with `--check` it writes nothing and exits 1 if they differ.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from celery_otel_pipeline.repository import ROOT  # noqa: E402  # found by the line above
from celery_otel_pipeline.rules import prometheus_rule, rule_files  # noqa: E402

RULES = HERE / "rules"
PROMETHEUS_RULE = ROOT / "docs" / "kubernetes" / "prometheus-rule.yaml"


def generated() -> dict[Path, str]:
    """Return the text that each file is to have."""
    return {RULES / name: text for name, text in rule_files().items()} | {PROMETHEUS_RULE: prometheus_rule()}


def main() -> int:
    """Write the files, or compare them; return the exit status."""
    parser = argparse.ArgumentParser(description="Writes Prometheus's rules from their sources.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not up to date")
    if not parser.parse_args().check:
        for path, text in generated().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return 0
    old = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    for path in old:
        sys.stderr.write(f"{path.relative_to(ROOT)} is not up to date: run `make rules`\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
