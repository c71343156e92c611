"""The ledger in Jaeger: every attempt of a plan has its one span there, also when collector and Jaeger are killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import wait_until
from celery_otel_pipeline.spans import Span
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.outcomes_messages import MESSAGES
from tests.acceptance.ledger.outcomes_plain import PLAIN
from tests.acceptance.ledger.run import OUTAGE_PATIENCE, all_outcomes, compare, play, run_plan, seed, thinned
from tests.acceptance.ledger.scene import Pipeline, Scene

TIMES = 8
#: How long spans may take to Jaeger: after an outage gRPC tries again after up to two minutes, in seconds.
ARRIVAL = 180.0
#: Every span goes the way that keeps all, past the tail sampling.
KEEP_ALL = {"KEEP_TASKS": ".*"}


@contextmanager
def _to_jaeger(directory: Path) -> Iterator[tuple[Pipeline, JaegerServer]]:
    """A pipeline whose collector sends every span on to a Jaeger of its own."""
    jaeger = JaegerServer(directory / "jaeger")
    pipeline = Pipeline(directory, jaeger=jaeger.otlp_target, settings=KEEP_ALL)
    with ExitStack() as stack:
        stack.enter_context(jaeger)
        yield stack.enter_context(pipeline), jaeger


def _run(scene: Scene, outcomes: list[Outcome], *events: tuple[str, Steps]) -> None:
    order = seed()
    scene.start_workers()
    play(scene, outcomes, order, *events, patience=OUTAGE_PATIENCE)
    compare(scene, lambda: run_plan(scene, outcomes), outcomes, order)


def _in_jaeger(jaeger: JaegerServer, scene: Scene) -> list[Span]:
    """Every span of the run's workers that Jaeger has, as often as it was stored."""
    return [span for trace in jaeger.search(scene.job, raw=True) for span in trace.spans if span.service == scene.job]


def _assert_every_attempt_is_in_jaeger(jaeger: JaegerServer, scene: Scene, outcomes: list[Outcome]) -> list[Span]:
    planned = span_plan.spans_of(run_plan(scene, outcomes))
    stored = lambda: span_plan.stored(_in_jaeger(jaeger, scene))  # noqa: E731  # asked again and again
    wait_until(
        lambda: planned == stored(),
        deadline=ARRIVAL,
        message=lambda: "\n".join(span_plan.differences(planned, stored())),
    )
    return _in_jaeger(jaeger, scene)


def _dies(pipeline: Pipeline, jaeger: JaegerServer) -> Steps:
    """SIGKILL both in the middle, and have them up again when some exports have come to nothing."""
    yield lambda: pipeline.tap.delivered > 10
    jaeger.kill()
    delivered = pipeline.tap.delivered
    yield lambda: pipeline.tap.delivered > delivered + 4
    pipeline.collector.kill()
    lost = pipeline.tap.lost
    yield lambda: pipeline.tap.lost >= lost + 4
    pipeline.collector.start()
    jaeger.start()


def test_every_attempt_is_one_span_with_its_parent_in_jaeger(tmp_path: Path) -> None:
    """Whatever a child can report, Jaeger has one consumer span per attempt, and no span without its parent."""
    conditions = Conditions(queue="jaeger")
    with _to_jaeger(tmp_path / "pipeline") as (pipeline, jaeger), Scene(pipeline, conditions, tmp_path) as scene:
        # Without those that kill children: what a killed child had published but not yet exported has no parent.
        outcomes = thinned([*PLAIN, *MESSAGES], TIMES)
        _run(scene, outcomes)
        spans = _assert_every_attempt_is_in_jaeger(jaeger, scene, outcomes)
        known = {(span.trace_id, span.span_id) for span in spans}
        orphans = [span for span in spans if span.parent_id and (span.trace_id, span.parent_id) not in known]
        assert [] == [(span.operation, span.tags) for span in orphans]
        assert any(span.parent_id for span in spans)


def test_killed_servers_cost_no_span(tmp_path: Path) -> None:
    """With collector and Jaeger SIGKILLed and restarted in mid-run, Jaeger has one span for each attempt."""
    conditions = Conditions(queue="jaeger-killed")
    with (
        _to_jaeger(tmp_path / "pipeline") as (pipeline, jaeger),
        Scene(pipeline, conditions, tmp_path) as scene,
    ):
        outcomes = thinned(all_outcomes(scene), TIMES)
        _run(scene, outcomes, ("collector and Jaeger die", _dies(pipeline, jaeger)))
        _assert_every_attempt_is_in_jaeger(jaeger, scene, outcomes)
        assert pipeline.tap.lost > 0
