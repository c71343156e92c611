"""What is tried: the ledger's plan through agents and gateways, while gateways die, come and go."""

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.acceptance.ledger.conditions import Conditions
from tests.acceptance.ledger.driver import Steps
from tests.acceptance.ledger.outcome import Outcome
from tests.acceptance.ledger.outcomes_messages import MESSAGES
from tests.acceptance.ledger.outcomes_plain import PLAIN
from tests.acceptance.ledger.plan import Plan
from tests.acceptance.ledger.run import assert_balanced, play, run_plan, thinned
from tests.scale.scene import TwoHosts
from tests.scale.store import Store
from tests.scale.tier import Tier
from tests.scale.traces import StoredSpan, Verdict, judge

#: Exports of both workers that go by before something happens, and while it lasts.
BEFORE, DURING = 12, 8


@dataclass
class Course:
    """What happened in a trial, as it happens."""

    said: str = "nothing happens"


@dataclass(frozen=True)
class Trial:
    """One way to run the plan.

    Attributes:
        key: Its name on the command line and of its queue.
        title: What the table calls it.
        share: The share of the traces that the gateways keep without a reason, in percent.
        event: What happens in the middle of it.
        decision_wait: How long spans wait for the rest of their trace.
    """

    key: str
    title: str
    share: int = 100
    event: Callable[[Tier, Course], Steps] | None = None
    decision_wait: str = "5s"


@dataclass(frozen=True)
class Result:
    """What a trial gave.

    Attributes:
        trial: Which one.
        course: What happened in it.
        plan: What every series was equal to.
        verdict: What became of the traces.
        points: Metric points that each gateway has taken, of those that live.
    """

    trial: Trial
    course: Course
    plan: Plan
    verdict: Verdict
    points: tuple[int, ...]

    @property
    def attempts(self) -> int:
        """How many attempts the plan has."""
        return sum(number for series, number in self.plan.items() if series.metric == "celery_task_received_total")


def run(trial: Trial, store: Callable[[Path], Store], directory: Path, *, times: int, seed: int) -> Result:
    """Play the plan and compare.

    Args:
        trial: What is tried.
        store: Makes the store that metrics are written to.
        directory: For the data and logs of all servers.
        times: At most so many attempts of each outcome.
        seed: The order.

    Raises:
        AssertionError: A series differs from the plan, or a span never came to an agent.
        DeadlineError: A sign did not come.
    """
    conditions = Conditions(queue=f"scale-{trial.key}")
    settings = {"SAMPLING_PERCENTAGE": str(trial.share), "DECISION_WAIT": trial.decision_wait}
    course = Course()
    with (
        Tier(directory / "tier", store(directory / "store"), settings=settings) as tier,
        TwoHosts(tier, conditions, directory / "scene") as scene,
    ):
        scene.start_workers()
        outcomes = thinned(_outcomes(conditions), times)
        events = [(trial.title, trial.event(tier, course))] if trial.event else []
        with redirect_stdout(StringIO()):
            play(scene, outcomes, seed, *events)
        reading, plan = scene.settled(lambda: run_plan(scene, outcomes))
        assert_balanced(scene, reading, plan)
        points = tuple(int(tier.points_at(number)) for number in range(3))
        return Result(trial, course, plan, _verdict(tier, scene.job), points)


def _outcomes(conditions: Conditions) -> list[Outcome]:
    """All but those that limits and killed children bring about: on a busy machine Celery itself is late with them."""
    return [outcome for outcome in (*PLAIN, *MESSAGES) if outcome.possible(conditions)]


def _verdict(tier: Tier, job: str) -> Verdict:
    # One that was killed has spans on its disk that it had decided to keep: it sends them when it is started again.
    for gateway in tier.gateways[:2]:
        if not gateway.alive:
            gateway.start()
    tier.wait_until_sent()
    spans = tier.tap.spans(job)
    sent: dict[str, set[str]] = {}
    for span in spans:
        sent.setdefault(span.trace_id.hex(), set()).add(span.span_id.hex())
    return judge(sent, {span.span_id.hex() for span in spans if _failed(span)}, _stored(tier, job))


def _failed(span: Span) -> bool:
    return bool(span.status.code == Status.StatusCode.STATUS_CODE_ERROR)


def _stored(tier: Tier, job: str) -> list[StoredSpan]:
    return [
        StoredSpan(one.trace_id, one.span_id, str(one.tags.get("trial.agent")), str(one.tags.get("trial.gateway")))
        for trace in tier.jaeger.search(job, raw=True)
        for one in trace.spans
    ]


def _after(tier: Tier, exports: int) -> Callable[[], bool]:
    moment = tier.exports() + exports
    return lambda: tier.exports() >= moment


def _killed(tier: Tier, course: Course) -> Steps:
    """SIGKILL the gateway that has the most series; agents find it for a while yet, as Kubernetes takes its time."""
    yield _after(tier, BEFORE)
    place = tier.busiest()
    tier.gateways[place].kill()
    yield _after(tier, DURING)
    tier.serve_by(*({0, 1} - {place}))
    course.said = f"gateway {place + 1} killed, found no more {DURING} exports later"
    yield lambda: tier.is_known(1)


def _replaced(tier: Tier, course: Course) -> Steps:
    """A third gateway joins; some exports later the one with the most series leaves in an orderly way."""
    yield _after(tier, BEFORE)
    tier.gateways[2].start()
    tier.serve_by(0, 1, 2)
    yield lambda: tier.is_known(3)
    yield _after(tier, DURING)
    place = tier.busiest()
    tier.serve_by(*({0, 1, 2} - {place}))
    yield lambda: tier.is_known(2)
    tier.gateways[place].stop(30)
    course.said = f"gateway 3 joined, gateway {place + 1} left"
    yield _after(tier, DURING)


TRIALS = (
    Trial("steady", "two gateways, all traces kept"),
    # On a busy machine some of the plan's retries take longer than 5 s, and the first part is decided on before.
    Trial("sampled", "two gateways, only traces with a failure kept", share=0, decision_wait="20s"),
    Trial("killed", "a gateway is killed (SIGKILL)", event=_killed),
    Trial("replaced", "a third gateway joins and one leaves", event=_replaced),
)
