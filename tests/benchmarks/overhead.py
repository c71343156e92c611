#!/usr/bin/env python
"""Measure what celery-otel costs a worker: `make bench`, or this file itself (`--help` says what it takes)."""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    # The pipeline's servers are not installed, and neither are the tests.
    sys.path[:0] = [str(ROOT), str(ROOT / "collector")]
    os.chdir(ROOT)
    runpy.run_module("tests.benchmarks", run_name="__main__")
