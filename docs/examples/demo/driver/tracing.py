"""What Jaeger has, which is built and started only now: the web request's trace, and every training and search.

Until then the spans wait in the collector's queue, on the disk: the numbers need not wait for Jaeger.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from celery_otel_pipeline.jaeger import JaegerServer
from celery_otel_pipeline.polling import DeadlineError, wait_until
from celery_otel_pipeline.spans import Trace

from .display import Screen
from .jaeger_build import BuildError, JaegerBuild
from .kept_spans import Group, kept, lacking, operations, planned
from .plan import Plan, Unit
from .planned_trace import WORKERS, deviations
from .stack import Stack, StackError

POLL_SECONDS = 0.5


@dataclass
class Tracing:
    """Shows one trace and counts the spans that are kept for certain, and says whether both are as planned.

    Attributes:
        stack: The running servers.
        screen: Where to show it.
        deadline: Seconds that its spans may take to Jaeger.
        links: Jaeger's addresses to open, by name, once it runs.
    """

    stack: Stack
    screen: Screen
    deadline: float
    links: dict[str, str] = field(default_factory=dict)

    def run(self, plan: Plan, trace_id: str) -> bool:
        """Show the trace and the kept spans; False where they are not as planned, or there is no Jaeger to ask.

        Args:
            plan: What was done.
            trace_id: The trace that began at the web front.

        Raises:
            StackError: Another server than Jaeger ended.
        """
        self.screen.say("the spans wait in the collector's queue, on the disk, until Jaeger is there")
        jaeger = self._jaeger()
        if jaeger is None:
            return False
        (request,) = (unit for unit in plan.units if unit.kind == "request")
        as_planned = self._show(jaeger, request, trace_id)
        return self._show_kept(jaeger, plan) and as_planned

    def _jaeger(self) -> JaegerServer | None:
        try:
            JaegerBuild(self.stack.starter.directory, self.screen.say, self.stack.check).run()
            jaeger = self.stack.start_jaeger()
        except (BuildError, StackError) as error:
            self.stack.check()
            self.screen.error(f"\n{error}\nThe numbers above hold all the same; there is no trace to show.")
            return None
        # The collector tries a Jaeger that was away at longer and longer intervals, a new one at once. What waits is
        # on the disk, and the workers' totals are in the workers: neither is lost by that.
        self.screen.say("restarting the collector, which then sends what waits")
        self.stack.restart_collector()
        return jaeger

    def _show(self, jaeger: JaegerServer, unit: Unit, trace_id: str) -> bool:
        trace = self._fetch(jaeger, unit, trace_id)
        wrong = deviations(unit, trace)
        self.links = {
            "Jaeger, the trace": f"{jaeger.url}/trace/{trace_id}",
            "Jaeger, the same as JSON": f"{jaeger.url}/api/v3/traces/{trace_id}",
        }
        self.screen.trace(trace, wrong, self.links["Jaeger, the same as JSON"])
        return not wrong

    def _fetch(self, jaeger: JaegerServer, unit: Unit, trace_id: str) -> Trace:
        """Return the trace, as soon as it is as planned or else at the deadline."""
        found = [Trace(trace_id, ())]

        def as_planned() -> bool:
            found.append(jaeger.trace(trace_id))
            return not deviations(unit, found[-1])

        self._wait(as_planned)
        return found[-1]

    def _show_kept(self, jaeger: JaegerServer, plan: Plan) -> bool:
        found: list[Counter[Group]] = [Counter()]

        def all_there() -> bool:
            found.append(kept(trace for name in operations(plan) for trace in jaeger.search(WORKERS, operation=name)))
            return not lacking(planned(plan), found[-1])

        self._wait(all_there)
        wrong = lacking(planned(plan), found[-1])
        self.screen.kept(found[-1], wrong)
        return not wrong

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition as long as may be; whether it came, what is shown will say."""

        def checked() -> bool:
            self.stack.check()
            return condition()

        try:
            wait_until(checked, deadline=self.deadline, message="not yet", interval=POLL_SECONDS)
        except DeadlineError:
            self.screen.error(f"Waited {self.deadline:.0f} s in vain.")
