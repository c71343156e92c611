"""A round in which nobody can plan what is delivered how often: Celery's own log is the witness.

Where every MAIN lives, every series equals what was logged and MAIN could hear of. Where one gives up and is started
again, so does what its lives have exported. Where one is killed, what it had counted since its last export is lost:
then no more may be counted than was logged, no less than the last exports said, and the round says what is lost.
"""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from celery_otel_pipeline.polling import wait_until
from tests.acceptance.ledger import span_plan
from tests.acceptance.ledger.balance import Reading
from tests.acceptance.ledger.driver import Driver, Steps
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.plan import Plan, Series, multiplied, started, total
from tests.acceptance.ledger.run import all_outcomes, assert_balanced, restarts, thinned
from tests.acceptance.ledger.scene import Scene
from tests.chaos import killed_lives
from tests.chaos.event import Event
from tests.chaos.moments import passed
from tests.chaos.place import Place
from tests.chaos.result import Result
from tests.chaos.testimony import RECEIVED, Said, plan_of, told_by

#: How long the whole round may take, in seconds.
PATIENCE = 240.0
#: Over how many seconds the messages are spread, so that there are some whenever something happens.
SPREAD = 20.0
#: How many more attempts of each outcome than where every outcome is played.
MORE = 3
#: Outcomes that a log tells from each other, and that wait for no sign.
WITNESSED = {
    "success",
    "returns None, 0 s",
    "2 s",
    "exception",
    "exception in throws",
    "retry, with a cause",
    "retry, without a cause",
    "autoretry_for",
    "retries exhausted",
    "Ignore",
    "Reject",
    "ETA and countdown",
}
RETURNED = "celery_task_returned_total"


def run(place: Place, events: Sequence[Event], times: int, seed: int) -> Result:
    """Send the outcomes' messages while the events happen, let all come to rest, and compare.

    Args:
        place: Where; its workers run.
        events: What goes wrong.
        times: Decides how many messages there are.
        seed: Decides the order and the moments.

    Raises:
        AssertionError: A number is not as it must be.
        DeadlineError: A sign did not come.
    """
    chance = random.Random(seed)
    scene = place.scene
    outcomes = [outcome for outcome in thinned(all_outcomes(scene), MORE * times) if outcome.name in WITNESSED]
    happening = [(event.name, event.steps(place, chance)) for event in events]
    Driver(seed, PATIENCE).play([*_spread(scene, outcomes, chance), *happening])
    come_to_rest(scene)
    if any(event.loses for event in events):
        return killed_lives.compared(place, plan_of(said(scene), place.conditions.queue))
    return _compared_lives(place) if place.restarts else _compared(scene)


def come_to_rest(scene: Scene) -> None:
    """Wait until nothing is left to do, what no worker has acknowledged included.

    What a worker still holds must not be delivered again, so the broker is asked for it only when none holds anything.
    """
    for _ in range(2):
        wait_until(scene.stage.idle, deadline=PATIENCE, message="the workers do not come to rest")
        scene.stage.redeliver(before=time.time())
    wait_until(scene.stage.idle, deadline=PATIENCE, message="the workers do not come to rest after the last messages")


def said(scene: Scene) -> list[Said]:
    """All that the logs of both workers say."""
    return [*told_by(scene.first.log), *told_by(scene.second.log)]


def _spread(scene: Scene, outcomes: Sequence[Outcome], chance: random.Random) -> Iterator[tuple[str, Steps]]:
    for outcome in outcomes:
        for name, steps in outcome.occurrences(scene.stage):
            yield name, _at(chance.uniform(0.0, SPREAD), steps)


def _at(seconds: float, steps: Steps) -> Steps:
    yield passed(seconds)
    yield from steps


def _compared(scene: Scene) -> Result:
    reading, plan = scene.settled(lambda: _plan(scene))
    assert_balanced(scene, reading, plan)
    lines = said(scene)
    forgotten = _forgotten_runs(lines, reading)
    attempts = sum(line.what == RECEIVED for line in lines)
    return Result(attempts, len(plan), span_plan.spans_of(plan).total(), forgotten=forgotten)


def _compared_lives(place: Place) -> Result:
    """After a worker gave up without its broker, ended in good order and was started again: nothing may be lost.

    Life by life what was exported is held against the log, and what Prometheus has against that.
    """
    scene = place.scene
    lines = said(scene)
    result = killed_lives.compared(place, plan_of(lines, place.conditions.queue))
    forgotten = _forgotten_runs(lines, scene.reading())
    assert (forgotten, forgotten) == (result.lost_ends, result.lost_spans)
    return replace(result, lost_ends=0, lost_spans=0, forgotten=forgotten)


def _forgotten_runs(lines: Sequence[Said], reading: Reading) -> int:
    """How many ends MAIN never heard of; all else that was received has ended or was given back."""
    heard = without_forgotten(lines, reading)
    assert {} == unreturned(heard, reading)
    return len(lines) - len(heard)


def _plan(scene: Scene) -> Plan:
    heard = without_forgotten(said(scene), scene.reading())
    return total(plan_of(heard, scene.conditions.queue), restarts(scene), given_back(scene))


def given_back(scene: Scene) -> Plan:
    """What Prometheus has of attempts that were given back, and of their starts.

    Only their total is known, from what was received and did not end: it is compared by itself.
    """
    back = {series: number for series, number in scene.reading().totals().items() if series.metric == RETURNED}
    had_started = [_begun(series, number, scene.conditions.queue) for series, number in back.items() if number]
    return total(Plan(back), *had_started)


def _begun(series: Series, number: int, queue: str) -> Plan:
    labels = dict(series.labels)
    begun = labels["cause"] in span_plan.STARTED
    return multiplied(started(labels["task_name"], queue), number) if begun else Plan()


def unreturned(lines: Iterable[Said], reading: Reading) -> dict[str, int]:
    """By task, how many attempts were received and neither ended nor given back."""
    left: Counter[str] = Counter()
    for line in lines:
        left[line.task] += 1 if line.what == RECEIVED else -1
    left.subtract(_returned(reading))
    return {task: number for task, number in left.items() if number}


def without_forgotten(lines: Sequence[Said], reading: Reading) -> list[Said]:
    """The lines without the ends that MAIN never heard of.

    With its connection Celery drops what it has handed to a child that has not said yet that it took it. The child runs
    it all the same, and MAIN no longer knows it: the attempt was given back, and comes again. So there may be as many
    such ends as attempts of the same task were given back, and no more.
    """
    room = _returned(reading)
    excess = Counter((line.task, line.what) for line in lines if line.what != RECEIVED)
    for series, number in reading.totals().items():
        labels = dict(series.labels)
        if series.metric == "celery_task_total":
            excess[labels["task_name"], labels["status"]] -= number
    return [line for line in lines if not _forgotten(line, excess, room)]


def _forgotten(line: Said, excess: Counter[tuple[str, str]], room: Counter[str]) -> bool:
    """Whether this is one of the ends too many; if so, there is one less of them."""
    key = line.task, line.what
    if excess[key] <= 0 or room[line.task] <= 0:
        return False
    excess[key] -= 1
    room[line.task] -= 1
    return True


def _returned(reading: Reading) -> Counter[str]:
    found: Counter[str] = Counter()
    for series, number in reading.totals().items():
        if series.metric == RETURNED:
            found[dict(series.labels)["task_name"]] += number
    return found
