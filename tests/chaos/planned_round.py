"""A round in which the plan knows what becomes of every attempt: everything is equal to it, or the round fails."""

import random
from collections.abc import Sequence

from celery_otel_pipeline.polling import DeadlineError, wait_until
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.driver import Driver
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.plan import Plan, total
from tests.acceptance.ledger.run import all_outcomes, assert_balanced, play, run_plan, thinned
from tests.chaos.event import Event
from tests.chaos.place import Need, Place
from tests.chaos.result import Result

#: How long a phase may take beside what its events take, in seconds.
PATIENCE = 120.0
#: How long spans may take to Jaeger: after an outage gRPC tries again after up to two minutes, in seconds.
ARRIVAL = 180.0


def run(place: Place, events: Sequence[Event], times: int, seed: int) -> Result:
    """Play every outcome that the events allow, with the events among them, and compare.

    Args:
        place: Where; its workers run.
        events: What goes wrong.
        times: At most so many attempts of each outcome.
        seed: Decides the order and the moments.

    Raises:
        AssertionError: A number is not as planned.
        DeadlineError: A sign did not come.
    """
    chance = random.Random(seed)
    scene = place.scene
    outcomes = [
        outcome for outcome in thinned(all_outcomes(scene), times) if all(event.allows(outcome) for event in events)
    ]
    Driver(seed, PATIENCE).play([(event.name, event.steps(place, chance)) for event in events if event.early])
    storm = [(event.name, event.steps(place, chance)) for event in events if not event.early]
    play(scene, outcomes, seed, *storm, patience=PATIENCE + sum(event.lasts for event in events))
    return _compared(place, events, outcomes)


def _compared(place: Place, events: Sequence[Event], outcomes: list[Outcome]) -> Result:
    scene = place.scene
    own = total(*(event.plan(place.conditions) for event in events))
    reading, plan = scene.settled(lambda: total(run_plan(scene, outcomes), own))
    assert_balanced(scene, reading, plan)
    lost = 0
    if any(Need.JAEGER in event.needs for event in events):
        lost = _missing_in_jaeger(place, plan, may_lose=any(event.loses for event in events))
    attempts = sum(number for series, number in plan.items() if series.metric == "celery_task_received_total")
    return Result(attempts, len(plan), span_plan.spans_of(plan).total(), lost_spans=lost)


def _missing_in_jaeger(place: Place, plan: Plan, *, may_lose: bool) -> int:
    """How many attempts have no span in Jaeger, though the collector has taken it: none, unless some may be lost."""
    planned, job = span_plan.spans_of(plan), place.scene.job

    def stored() -> span_plan.Spans:
        found = place.jaeger.search(job, raw=True)
        return span_plan.stored(span for trace in found for span in trace.spans if span.service == job)

    try:
        wait_until(
            lambda: planned == stored(),
            deadline=ARRIVAL,
            message=lambda: "in Jaeger: " + "\n".join(span_plan.differences(planned, stored())),
        )
    except DeadlineError:
        if not may_lose or stored() - planned:
            raise
    return (planned - stored()).total()
