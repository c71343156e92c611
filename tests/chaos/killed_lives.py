"""The comparison after SIGKILLs of MAIN: what was exported is whole, and what is lost came after the last export.

With the workers' state kept on the disk nothing may be lost at all.
"""

from collections.abc import Iterable

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.balance import differences
from tests.acceptance.ledger.equation import violations
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.scene import SETTLING, Scene
from tests.chaos.exported import Life, counted, lives, moments
from tests.chaos.place import Place
from tests.chaos.result import Result
from tests.chaos.testimony import RECEIVED, Said, told_by

#: What a log line and an export may be apart that belong to one moment, in seconds.
APART = 0.2
#: Exports by each worker after all has come to rest: the last one has everything, whatever was on its way.
LAST_EXPORTS = 3
RECEIPTS, ENDS = "celery_task_received_total", "celery_task_total"
#: What the log says in full, if it is not the first to die.
TOLD = {RECEIPTS, ENDS, "celery_task_failures_total", "celery_task_retries_total"}
#: What Prometheus must have of all lives.
SEEN = {*TOLD, "celery_task_returned_total", "celery_task_timeouts_total"}


def compared(place: Place, logged: Plan) -> Result:
    """Hold what was exported and what Prometheus has against each other and against what was logged.

    Args:
        place: Where MAINs were killed.
        logged: The series that belong to the log's lines.

    Raises:
        AssertionError: Something was counted twice, or lost that had been exported, or more than was at risk.
    """
    scene = place.scene
    _wait_for_last_exports(scene)
    exported = counted(lives(scene.pipeline.tap.resources(scene.job)))
    lost = _sum(logged, RECEIPTS) - _sum(exported, RECEIPTS)
    lines = [*_never_too_much(exported, logged), *_in_prometheus(scene, exported), *_equation(scene)]
    lines += _losses(place, lost)
    spans, planned_spans = _spans(scene, logged)
    lines += [
        f"spans of {key}: {spans[key]} of {planned_spans[key]} ends" for key in spans if spans[key] > planned_spans[key]
    ]
    if lines:
        raise AssertionError("the lives do not balance:\n" + "\n".join(lines))
    return Result(
        attempts=_sum(logged, RECEIPTS),
        series=sum(series.metric in TOLD for series in exported),
        spans=planned_spans.total(),
        lost_receipts=lost,
        lost_ends=_sum(logged, ENDS) - _sum(exported, ENDS),
        lost_spans=planned_spans.total() - spans.total(),
        unexported=max((moment - last for _, last, moment in _at_risk(place)), default=0.0),
        kills=len(place.kills),
    )


def _wait_for_last_exports(scene: Scene) -> None:
    exports = lambda: len(moments(scene.pipeline.tap.resources(scene.job)))  # noqa: E731  # twice the same
    before = exports()
    # Two workers, and a new life of each has begun by now.
    wait_until(
        lambda: exports() >= before + 2 * LAST_EXPORTS,
        deadline=SETTLING,
        message="the workers do not export",
    )
    scene.pipeline.wait_for_scrapes(3)


def _never_too_much(exported: Plan, logged: Plan) -> list[str]:
    told = {series: number for series, number in exported.items() if series.metric in TOLD}
    return [
        f"{series}: exported {told[series]}, logged {logged[series]}"
        for series in told
        if told[series] > logged[series]
    ]


def _in_prometheus(scene: Scene, exported: Plan) -> list[str]:
    """Prometheus has what all lives together have exported."""
    found = scene.comparable(scene.reading())
    known, seen = (Plan({key: plan[key] for key in plan if key.metric in SEEN}) for plan in (exported, found))
    return [f"of all lives: {difference}" for difference in differences(known, seen)]


def _equation(scene: Scene) -> list[str]:
    return [f"equation: {line}" for line in violations(scene.pipeline.tap.exports(scene.job))]


def _losses(place: Place, lost: int) -> list[str]:
    """Whether the loss is within what was at risk: what was received after the last export of a MAIN that died."""
    if place.state:
        return [f"{lost} receipts are lost although the state was kept"] * bool(lost)
    risk = sum(_received_between(place.scene, node, last - APART, moment) for node, last, moment in _at_risk(place))
    return [] if 0 <= lost <= risk else [f"{lost} receipts are lost, where {risk} came after the last exports"]


def _at_risk(place: Place) -> list[tuple[str, float, float]]:
    """For each kill: the node, since when it had counted what it had not exported, and when it was killed."""
    exports = moments(place.pipeline.tap.resources(place.scene.job))
    return [(node, _last_before(exports, place.scene, node, moment), moment) for node, moment in place.kills]


def _last_before(exports: Iterable[tuple[Life, float]], scene: Scene, node: str, moment: float) -> float:
    """When counts were last exported; of a node that was killed before that, when it first had something to count."""
    exported = (at for life, at in exports if life.instance == node and at <= moment)
    first = min((line.at for line in _told(scene, node)), default=moment)
    return max(exported, default=min(first, moment))


def _received_between(scene: Scene, node: str, begin: float, end: float) -> int:
    return sum(line.what == RECEIVED and begin <= line.at <= end for line in _told(scene, node))


def _told(scene: Scene, node: str) -> list[Said]:
    worker = next(worker for worker in (scene.first, scene.second) if worker.node_name == node)
    return told_by(worker.log)


def _spans(scene: Scene, logged: Plan) -> tuple[span_plan.Spans, span_plan.Spans]:
    return span_plan.found(scene.pipeline.tap.spans(scene.job)), span_plan.spans_of(logged)


def _sum(plan: Plan, metric: str) -> int:
    return sum(number for series, number in plan.items() if series.metric == metric)
