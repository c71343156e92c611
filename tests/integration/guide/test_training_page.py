"""The code of docs/guides/training.md runs, as one module, and does what the page says of it outside a worker."""

import re
import sys
from pathlib import Path

from celery_otel_pipeline.otlp_sink import OtlpSink
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.process import Process
from celery_otel_pipeline.repository import ROOT

PAGE = ROOT / "docs" / "guides" / "training.md"
BLOCKS = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALLS = """
assert train.apply([5]).get() > 0.8
assert tune.apply([2]).get() < 0.2
assert grid.apply().get() > 0.8
assert validate.apply().get() > 0.8
assert study.apply([2]).get() > 0.8
train_beside.apply().get()
train_elsewhere.apply(["import celery_otel"]).get()
"""
MODELS = {"random_forest", "RandomForestClassifier"}
METHODS = {"by_hand", "grid", "tpe"}


def test_every_run_of_the_page_is_told_on_a_span(tmp_path: Path) -> None:
    """Trainings by block, decorator, thread and helper, and searches by hand, grid and Optuna, are all on spans."""
    (tmp_path / "models.py").write_text("".join(BLOCKS.findall(PAGE.read_text())) + CALLS)
    with OtlpSink() as sink:

        def labels(name: str) -> set[object]:
            return {span.attributes.get(name) for span in sink.spans()} - {None}

        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with Process("models", [sys.executable, "models.py"], directory=tmp_path, env=env, cwd=tmp_path) as process:
            assert 0 == process.wait(120), process.log_tail
        wait_until(
            lambda: METHODS == labels("celery.tuning.method") and MODELS == labels("celery.training.model_type"),
            deadline=20,
            message=lambda: f"{labels('celery.tuning.method')}, {labels('celery.training.model_type')}",
        )
