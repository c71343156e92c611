"""The ledger balances, whatever happens to attempts and in whatever order."""

import gc
import threading

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from celery_otel import names
from celery_otel.core.attempt import Attempt
from celery_otel.core.clock import Clock
from celery_otel.core.counts import Counts
from celery_otel.core.ledger import MANY, TOO_MANY, Ledger
from celery_otel.core.outcome import IGNORED, LOST, REJECTED, REQUEUED, SUCCESS, TIMED_OUT, Outcome, ReturnCause, Status
from celery_otel.metric import Distribution, Metric, Readings

OUTCOMES = [SUCCESS, IGNORED, REJECTED, REQUEUED, LOST, TIMED_OUT, Outcome(Status.RETRY, detail="KeyError")]


class Request:
    """Stands for an attempt in Celery: what matters is when it dies."""


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> Clock:
        """The clock to pass in: wall and monotonic time are the same."""
        return Clock(wall=lambda: self.now, monotonic=lambda: self.now)


def total(read: Readings, metric: Metric, **labels: str) -> float:
    """The sum of a counter's or gauge's series that have these labels."""
    wanted = labels.items()
    series = ((dict(zip(metric.labels, values, strict=True)), value) for values, value in read[metric].items())
    return sum(value for found, value in series if not isinstance(value, Distribution) and wanted <= found.items())


@pytest.fixture
def time() -> Time:
    """The time, in the test's hand."""
    return Time()


@pytest.fixture
def ledger(time: Time) -> Ledger:
    """A ledger without attempts."""
    return Ledger(Counts((1.0, 10.0), 10), worker="w@host", clock=time.clock())


def received(ledger: Ledger, request: Request, number: int = 0) -> Attempt:
    """An attempt that the ledger has received."""
    attempt = Attempt.described("shop.order", "celery", (f"id-{number}", "0", "0"), 1000.0)
    ledger.receive(attempt, request)
    return attempt


def test_an_attempt_ends_once(ledger: Ledger) -> None:
    """The first end of an attempt counts, a second one is refused."""
    request = Request()
    attempt = received(ledger, request)
    ledger.end(attempt, SUCCESS)
    ledger.end(attempt, LOST)
    assert {("shop.order", "success"): 1} == ledger.read()[names.TASK_TOTAL]


def test_an_attempt_that_ends_in_a_signal_handler_counts() -> None:
    """A handler that interrupts the ledger and ends another attempt does not wait for it, and both ends count."""

    def monotonic() -> float:
        # Where a signal handler may run: Celery's, at a cold shutdown, ends what is running.
        while later:
            ledger.end(later.pop(), SUCCESS)
        return 1000.0

    ledger = Ledger(Counts((1.0,), 10), worker="w@host", clock=Clock(monotonic=monotonic))
    requests, later = [Request(), Request()], []
    first, second = (received(ledger, request, number) for number, request in enumerate(requests))
    later.append(second)
    thread = threading.Thread(target=ledger.end, args=(first, SUCCESS), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "it waits for itself"
    assert {("shop.order", "success"): 2} == ledger.read()[names.TASK_TOTAL]


def test_nothing_is_left_of_a_ledger_that_is_closed(ledger: Ledger) -> None:
    """When the worker has stopped, what it held has gone back and every gauge reads 0, the failure rate too."""
    requests = [Request(), Request()]
    failed, _ = (received(ledger, request, number) for number, request in enumerate(requests))
    ledger.end(failed, LOST)
    gauges = (names.TASK_FAILURE_RATE, names.WORKER_PREFETCH_COUNT)
    assert [1, 1] == [total(ledger.read(), gauge) for gauge in gauges]
    ledger.close()
    assert [0, 0] == [total(ledger.read(), gauge) for gauge in gauges]
    assert {("shop.order", "shutdown"): 1} == ledger.read()[names.TASK_RETURNED]


def test_a_request_that_dies_unstarted_is_returned(ledger: Ledger) -> None:
    """An attempt whose request is collected before it started is returned, with the cause of that moment."""
    request = Request()
    received(ledger, request)
    ledger.silent_cause = ReturnCause.CONNECTION_LOST
    del request
    gc.collect()
    assert {("shop.order", "connection_lost"): 1} == ledger.read()[names.TASK_RETURNED]


def test_a_request_that_dies_started_was_lost(ledger: Ledger) -> None:
    """An attempt whose request is collected after its start, without a word, is a lost one."""
    request = Request()
    attempt = received(ledger, request)
    ledger.start(attempt, 1000.0)
    del request
    gc.collect()
    assert {("shop.order", "worker_lost"): 1} == ledger.read()[names.TASK_FAILURES]


def test_the_death_of_an_ended_request_changes_nothing(ledger: Ledger) -> None:
    """A request that is collected after its attempt ended is nobody's business."""
    request = Request()
    attempt = received(ledger, request)
    ledger.end(attempt, SUCCESS)
    before = ledger.read()
    del request, attempt
    gc.collect()
    assert before == ledger.read()


def test_a_shutdown_gives_back_what_waits_and_cancels_what_runs(ledger: Ledger) -> None:
    """At a shutdown, what waits is returned as such and what runs as cancelled."""
    requests = [Request(), Request()]
    waiting, running = (received(ledger, request, number) for number, request in enumerate(requests))
    ledger.start(running, 1000.0)
    ledger.give_back(ReturnCause.SHUTDOWN)
    expected = {("shop.order", "shutdown"): 1, ("shop.order", "cancelled"): 1}
    assert expected == ledger.read()[names.TASK_RETURNED]
    assert waiting.outcome is not None


def test_a_returned_attempt_that_runs_all_the_same_is_received_again(ledger: Ledger) -> None:
    """An attempt that the pool starts after it was returned is received once more, and balances."""
    request = Request()
    attempt = received(ledger, request)
    ledger.give_back(ReturnCause.CONNECTION_LOST)
    ledger.start(attempt, 1000.0)
    ledger.end(attempt, SUCCESS)
    assert {("shop.order",): 2} == ledger.read()[names.TASK_RECEIVED]
    assert {("shop.order", "success"): 1} == ledger.read()[names.TASK_TOTAL]


def test_a_second_start_of_an_ended_attempt_is_a_duplicate(ledger: Ledger) -> None:
    """A message that is delivered again after its attempt ended starts as a duplicate."""
    for _ in range(2):
        request = Request()
        attempt = received(ledger, request)
        ledger.start(attempt, 1000.0)
        ledger.end(attempt, SUCCESS)
    assert {("shop.order",): 1} == ledger.read()[names.TASK_DUPLICATES]


def test_what_was_given_back_to_the_broker_is_no_duplicate(ledger: Ledger) -> None:
    """A message that this worker gave back itself may start again."""
    for requeued in (True, False):
        request = Request()
        attempt = received(ledger, request)
        ledger.start(attempt, 1000.0)
        attempt.requeued = requeued
        ledger.end(attempt, LOST)
    assert {} == ledger.read()[names.TASK_DUPLICATES]


def test_times_are_taken_from_the_start(ledger: Ledger, time: Time) -> None:
    """Queue, prefetch and ETA times end at the start; the wait for the ETA is in none of them."""
    request = Request()
    attempt = Attempt.described("shop.order", "celery", ("id", "0", "0"), 1000.0)
    attempt.published_at, attempt.eta = 999.0, 1005.0
    ledger.receive(attempt, request)
    time.now = 1007.0
    ledger.start(attempt, 1007.0)
    read = ledger.read()
    (queue,) = read[names.TASK_QUEUE_TIME].values()
    (prefetch,) = read[names.TASK_PREFETCH_TIME].values()
    (delay,) = read[names.TASK_ETA_DELAY].values()
    assert [2.0, 2.0, 2.0] == [value.total for value in (queue, prefetch, delay) if isinstance(value, Distribution)]


def test_a_publisher_with_a_clock_ahead_gives_no_negative_time(ledger: Ledger) -> None:
    """A message published in this worker's future has waited for nothing."""
    request = Request()
    attempt = Attempt.described("shop.order", "celery", ("id", "0", "0"), 1000.0)
    attempt.published_at = 1300.0
    ledger.receive(attempt, request)
    ledger.start(attempt, 1000.0)
    (queue,) = ledger.read()[names.TASK_QUEUE_TIME].values()
    assert Distribution((1.0, 10.0), (1, 0, 0), 0.0) == queue


def test_a_duration_is_the_childs_own_where_there_is_one(ledger: Ledger, time: Time) -> None:
    """The runtime that the child measured wins over the time that MAIN saw."""
    for number, runtime in enumerate((0.5, None)):
        request = Request()
        attempt = received(ledger, request, number)
        ledger.start(attempt, time.now)
        time.now += 4.0
        ledger.end(attempt, SUCCESS, runtime)
    (duration,) = ledger.read()[names.TASK_DURATION].values()
    assert Distribution((1.0, 10.0), (1, 1, 0), 4.5) == duration


def test_an_acceptance_in_the_future_starts_now(ledger: Ledger, time: Time) -> None:
    """A child whose clock reads later than MAIN's does not give a negative duration."""
    request = Request()
    attempt = received(ledger, request)
    ledger.start(attempt, 2000.0)
    ledger.post()
    assert time.now == attempt.started_at


def test_declared_tasks_read_zero(ledger: Ledger) -> None:
    """A task that never ran has its series, with 0."""
    ledger.declare(["shop.order"])
    read = ledger.read()
    assert dict.fromkeys((("shop.order", status) for status in Status), 0) == read[names.TASK_TOTAL]
    assert {("shop.order",): 0} == read[names.ACTIVE_TASKS] == read[names.TASK_FAILURE_RATE]


def test_what_is_in_the_journal_is_posted_before_it_grows(ledger: Ledger) -> None:
    """Ends are posted many at a time, and receipts without an end are not kept for ever either."""
    requests = [Request() for _ in range(2 * TOO_MANY)]
    attempts = [received(ledger, request, number) for number, request in enumerate(requests)]
    assert 2 * TOO_MANY == total(ledger.read(), names.TASK_RECEIVED)
    assert [False] * (MANY - 1) + [True] == [ledger.end(attempt, SUCCESS, 0.1) for attempt in attempts[:MANY]]


def test_an_entry_that_fails_is_told_and_lost_alone(ledger: Ledger) -> None:
    """An attempt that cannot be described costs one failure and itself; the others count."""
    errors: list[Exception] = []

    def describe(attempt: Attempt) -> None:
        raise KeyError(attempt.task)

    ledger.describe, ledger.failed = describe, errors.append
    requests = [Request() for _ in range(3)]
    attempts = [received(ledger, request, number) for number, request in enumerate(requests)]
    attempts[1].queue = ""
    for attempt in attempts:
        ledger.end(attempt, SUCCESS)
    assert {("shop.order", "success"): 2} == ledger.read()[names.TASK_TOTAL]
    assert [KeyError] == [type(error) for error in errors]


class LedgerMachine(RuleBasedStateMachine):
    """Any sequence of receipts, starts, ends, deaths and give-backs."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(Counts((1.0,), 3), worker="w@host", clock=Time().clock())
        self.held: list[tuple[Attempt, Request]] = []
        self.receipts = 0

    @rule(task=st.sampled_from(["a", "b"]))
    def receive(self, task: str) -> None:
        """A message arrives."""
        request = Request()
        attempt = Attempt.described(task, "celery", (str(self.receipts), "0", "0"), 1000.0)
        self.receipts += 1
        self.ledger.receive(attempt, request)
        self.held.append((attempt, request))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """The pool accepts one, perhaps twice, perhaps after its end."""
        attempt, _ = data.draw(st.sampled_from(self.held))
        self.ledger.start(attempt, 999.0)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def end(self, data: st.DataObject, outcome: Outcome) -> None:
        """The pool reports one, perhaps again."""
        attempt, _ = data.draw(st.sampled_from(self.held))
        self.ledger.end(attempt, outcome)

    @precondition(lambda self: self.held)
    @rule()
    def forget(self) -> None:
        """Celery lets go of one without a word."""
        self.held.pop(0)

    @rule(cause=st.sampled_from([ReturnCause.SHUTDOWN, ReturnCause.CONNECTION_LOST]))
    def give_back(self, cause: ReturnCause) -> None:
        """The worker lets go of what waits."""
        self.ledger.give_back(cause, spare=lambda attempt: attempt.accepted)

    @rule()
    def look(self) -> None:
        """Somebody reads. Not after every step: several are posted at once, as in life."""
        read = self.ledger.read()
        self._balances(read)
        self._explains_every_failure(read)

    def teardown(self) -> None:
        """At the end, at the latest, everything adds up."""
        self.look()

    def _balances(self, read: Readings) -> None:
        """Received is the sum of the statuses, the returned and the held."""
        ended = total(read, names.TASK_TOTAL) + total(read, names.TASK_RETURNED)
        held = total(read, names.ACTIVE_TASKS) + total(read, names.WORKER_PREFETCH_COUNT)
        assert ended + held == total(read, names.TASK_RECEIVED) >= self.receipts

    def _explains_every_failure(self, read: Readings) -> None:
        """The failures by type are as many as the failures."""
        assert total(read, names.TASK_TOTAL, status="failure") == total(read, names.TASK_FAILURES)


LedgerMachine.TestCase.settings = hypothesis_settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAnySequence = LedgerMachine.TestCase
