"""What tasks train and tune is counted by their worker and on their spans, wherever they do it."""

import subprocess
import sys

import pytest

from celery_otel_pipeline.environment import child_environment
from celery_otel_pipeline.otlp_sink import OtlpSink, SinkSpan
from tests.integration.models.conftest import APPLICATION, ROOT, Laboratory, OpenLaboratory, ended

RECYCLED = ("--max-tasks-per-child", "1")
TUNED = (("method", "nested"), ("result", "success"))


def train_everywhere(laboratory: Laboratory) -> None:
    """Runs every task that comes to its end, and looks at what the worker has counted."""
    for _ in range(3):
        laboratory.run("plain")
    laboratory.run("decorated", 20)
    assert "on purpose" in str(laboratory.run("fail"))
    assert 0.3 == laboratory.run("nested", [1, 3, 2])
    laboratory.run("threads", 4)
    laboratory.run("program")
    laboratory.expect(
        {
            **ended("plain", 3),
            **ended("decorated", 1),
            **ended("fail", 0, 1),
            **ended("candidate", 3),
            **ended("thread", 4),
            **ended("program", 1),
            ("celery_training_samples_sum", (("model_type", "plain"), ("result", "success"))): 450.0,
            ("celery_training_samples_sum", (("model_type", "decorated"), ("result", "success"))): 20.0,
            ("celery_training_features_count", (("model_type", "plain"), ("result", "success"))): 3.0,
            ("celery_training_models_total", (("model_type", "candidate"),)): 3.0,
            ("celery_tuning_runs_total", TUNED): 1.0,
            ("celery_tuning_iterations_sum", TUNED): 3.0,
            ("celery_tuning_best_score", (("method", "nested"),)): 0.3,
        }
    )


@pytest.mark.parametrize(
    ("pool", "arguments"), [("prefork", RECYCLED), ("threads", ())], ids=["prefork, recycled", "threads"]
)
def test_runs_are_counted_and_on_the_task_s_span(
    open_laboratory: OpenLaboratory, pool: str, arguments: tuple[str, ...]
) -> None:
    """Plain, decorated, failing and nested runs, those in threads and in another program: each counts once."""
    laboratory = open_laboratory(*arguments, pool=pool)
    train_everywhere(laboratory)
    told = laboratory.spans("plain", 3)[0].attributes
    assert {
        "celery.training.model_type": "plain",
        "celery.training.samples": 150,
        "celery.training.features": 4,
        "celery.training.data": "iris",
        "celery.training.score.value": 0.9,
        "celery.training.result": "success",
        "celery.training.runs": 1,
    }.items() <= told.items()
    (nested,) = laboratory.spans("nested", 1)
    assert (3, 0.3, "success", 3) == figures(nested, "iterations", "best_score", "result")
    kinds = ["training.run", "tuning.iteration"] * 3 + ["tuning.run"]
    assert [f"celery.{kind}" for kind in kinds] == nested.events
    (threads,) = laboratory.spans("threads", 1)
    assert (4, 4) == (threads.attributes["celery.training.runs"], len(threads.events))
    (program,) = laboratory.spans("program", 1)
    assert ("program", 0.7) == tuple(
        program.attributes[f"celery.training.{key}"] for key in ("model_type", "score.value")
    )
    assert [] == laboratory.sink.spans(kind="INTERNAL")


def figures(span: SinkSpan, *names: str) -> tuple[object, ...]:
    """What a span says of its search, and how many trainings there were."""
    tuning = tuple(span.attributes[f"celery.tuning.{name}"] for name in names)
    return (*tuning, span.attributes["celery.training.runs"])


@pytest.mark.parametrize(
    ("pool", "env"),
    [
        ("threads", {"OTEL_TRACES_SAMPLER": "always_off"}),
        ("prefork", {"OTEL_TRACES_EXPORTER": "none"}),
    ],
    ids=["unsampled, threads", "metrics only, prefork"],
)
def test_runs_are_counted_without_spans(open_laboratory: OpenLaboratory, pool: str, env: dict[str, str]) -> None:
    """Where tasks are not sampled, and with metrics alone, the same runs count."""
    laboratory = open_laboratory(pool=pool, **env)
    train_everywhere(laboratory)
    assert [] == laboratory.sink.spans()


def test_a_run_whose_process_is_killed_is_a_failure(open_laboratory: OpenLaboratory) -> None:
    """It counts once, and the span of its task says what was known: of a search how far it was."""
    laboratory = open_laboratory()
    laboratory.run("die")
    laboratory.run("die_searching")
    laboratory.expect(
        {
            **ended("die", 0, 1),
            ("celery_training_samples_sum", (("model_type", "die"), ("result", "failure"))): 7.0,
            ("celery_tuning_runs_total", (("method", "die"), ("result", "failure"))): 1.0,
            ("celery_tuning_iterations_sum", (("method", "die"), ("result", "failure"))): 5.0,
        }
    )
    (training,) = laboratory.spans("die", 1)
    expected = {"celery.training.model_type": "die", "celery.training.samples": 7, "error.type": "worker_lost"}
    assert expected.items() <= training.attributes.items()
    (search,) = laboratory.spans("die_searching", 1)
    expected = {"celery.tuning.method": "die", "celery.tuning.iterations": 5, "celery.tuning.best_score": 4.0}
    assert expected.items() <= search.attributes.items()


def test_in_a_script_a_run_is_a_span() -> None:
    """A task that runs where it is called has its run below its own span, from a process without a worker."""
    with OtlpSink() as sink:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        subprocess.run(
            [sys.executable, "-m", APPLICATION], env=child_environment(env), cwd=ROOT, check=True, timeout=60
        )
        (task,) = sink.spans(name="process runs.plain")
        (run,) = sink.spans(name="training plain")
    assert (task.span_id, task.trace_id, "INTERNAL") == (run.parent_id, run.trace_id, run.kind)
    assert {"celery.training.samples": 150, "celery.training.result": "success"}.items() <= run.attributes.items()
    assert ["celery.training.run"] == run.events
