"""Which test files run side by side; the others run after them, one by one.

Most tests wait for servers and workers most of the time, so that two files at a time take little more than half as
long. Others hold every single message against a plan, or seconds against a bound: on a busy machine Celery itself now
and then loses a message or delivers it twice, and then no plan can come true. These have the machine to themselves.
"""

from fnmatch import fnmatchcase

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

#: The files whose tests say the same on a busy machine. What is not named here runs by itself.
SIDE_BY_SIDE = (
    "tests/benchmarks/*",
    "tests/unit/*",
    "tests/integration/api/*",
    "tests/integration/attacks/*",
    "tests/integration/docs/*",
    "tests/integration/deployment/*",
    "tests/integration/inspection/*",
    "tests/integration/pipeline/*",
    "tests/integration/relay/*",
    "tests/integration/rules/*",
    "tests/integration/traces/*",
    "tests/integration/worker/*",
    "tests/acceptance/alerts/*",
    "tests/acceptance/dashboards/*",
    "tests/acceptance/test_collector*",
    "tests/acceptance/test_span_metrics*",
    "tests/acceptance/test_traces_*",
)


def bears_company(nodeid: str) -> bool:
    """Whether a test, or all tests of a file, may run while others run."""
    return any(fnmatchcase(nodeid, pattern) for pattern in SIDE_BY_SIDE)


class OneByOneAtTheEnd(LoadFileScheduling):
    """Gives files to pytest-xdist's processes, and those that bear no company to the last process that is left.

    The tests come in this order already: see `pytest_collection_modifyitems` in conftest.py.
    """

    def remove_node(self, node: WorkerController) -> str | None:
        """A process has ended: another one may have waited for that."""
        crashed: str | None = super().remove_node(node)
        for other in self.nodes:
            self._reschedule(other)
        return crashed

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self._may_go_on(node):
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if self._may_go_on(node):
            super()._reschedule(node)

    def _may_go_on(self, node: WorkerController) -> bool:
        """Whether a process may have the next file; one that may not ends, but for the last, which waits its turn."""
        if not self.workqueue or bears_company(next(iter(self.workqueue))):
            return True
        others = [other for other in self.nodes if other is not node]
        if any(not other.shutting_down for other in others) and not node.shutting_down:
            node.shutdown()
        return not others
