"""Records of many processes arrive whole, and what does not arrive is counted."""

import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest

from celery_otel import relay as module
from celery_otel.relay import GARBAGE, Relay
from celery_otel.relay_sender import CUT, DROPPED, LARGEST
from celery_otel_pipeline.polling import wait_until
from tests.forked import exit_status_of, forked

NO_PATIENCE = 0.01


class Main:
    """What MAIN has: a relay, and the counts that it was told."""

    def __init__(self, patience: float) -> None:
        self.counts: Counter[str] = Counter()
        self.relay = Relay(self.note, patience)

    def note(self, what: str, number: int) -> None:
        """Counts."""
        self.counts[what] += number

    def receive(self, number: int) -> list[dict[str, Any]]:
        """So many records, once they are there."""
        records: list[dict[str, Any]] = []

        def come() -> bool:
            records.extend(self.relay.drain())
            return len(records) >= number

        wait_until(
            come,
            deadline=20,
            message=lambda: f"{len(records)} records of {number}, {self.counts}",
            interval=0.001,
        )
        return records

    def fill(self) -> int:
        """Sends until there is no room; how many went through."""
        number = 0
        while self.relay.send({"span": str(number), "attributes": {"text": "x" * 20_000}}):
            number += 1
        return number

    def write(self, datagram: bytes) -> None:
        """Puts something else into the socket."""
        self.relay._writer.send(datagram)  # noqa: SLF001  # what no sender of ours would


@pytest.fixture
def main() -> Iterator[Main]:
    """One that waits long for room."""
    main = Main(patience=20)
    yield main
    main.relay.close()


@pytest.fixture
def hasty() -> Iterator[Main]:
    """One that does not wait for room."""
    main = Main(NO_PATIENCE)
    yield main
    main.relay.close()


def test_records_of_many_children_arrive_whole(main: Main) -> None:
    """16 children write 50 records each at once, of many sizes: all arrive as they were sent, in each child's order."""

    def write(child: int) -> None:
        for number in range(50):
            main.relay.send({"span": f"{child}", "number": number, "attributes": {"text": f"{child}" * number * 300}})

    children = [forked(partial(write, child)) for child in range(16)]
    records = main.receive(16 * 50)
    for pid in children:
        os.waitpid(pid, 0)
    assert [] == main.relay.drain()
    for child in range(16):
        own = [record for record in records if record["span"] == f"{child}"]
        assert list(range(50)) == [record["number"] for record in own]
        assert all(f"{child}" * record["number"] * 300 == record["attributes"]["text"] for record in own)
    assert Counter() == main.counts


def test_a_record_that_is_too_large_arrives_cut(main: Main) -> None:
    """It arrives, says what is missing, and is counted as cut."""
    assert 0 == exit_status_of(lambda: main.relay.send({"span": "5", "attributes": {"text": "x" * LARGEST}}))
    (record,) = main.receive(1)
    assert {"values": 1} == record["cut"]
    assert {CUT: 1} == main.counts


@pytest.mark.parametrize("value", [object(), {1, 2}, 10**5000], ids=["object", "set", "number"])
def test_a_record_that_is_no_json_is_counted_as_dropped(main: Main, value: object) -> None:
    """What cannot be put into a datagram does not raise: it is dropped, and the next record tells it."""
    assert not main.relay.send({"span": "5", "attributes": {"a": value}})
    assert main.relay.send({"span": "6"})
    assert ["6"] == [record["span"] for record in main.receive(1)]
    assert {DROPPED: 1} == main.counts


def test_a_send_gives_up_and_its_count_arrives_later(hasty: Main) -> None:
    """While MAIN does not read, sends fail once the buffer is full; when it reads again, it learns how many."""
    sent = hasty.fill()
    for _ in range(3):
        assert not hasty.relay.send({"span": "too late", "attributes": {"text": "x" * LARGEST}})
    assert sent == len(hasty.receive(sent))
    assert {} == hasty.counts
    assert hasty.relay.send({"span": "next"})
    assert ["next"] == [record["span"] for record in hasty.receive(1)]
    # Those three, and the one that ended the filling. What is dropped is not counted as cut, too.
    assert {DROPPED: 4} == hasty.counts


def test_counts_travel_without_a_record(hasty: Main) -> None:
    """A process that has nothing more to send tells its counts all the same, as soon as there is room."""
    sent = hasty.fill()
    hasty.relay.tell()
    assert sent == len(hasty.receive(sent))
    assert {} == hasty.counts
    hasty.relay.note("task_prerun")
    hasty.relay.tell()
    hasty.relay.tell()
    assert [] == hasty.relay.drain()
    assert {DROPPED: 1, "task_prerun": 1} == hasty.counts


def test_a_send_waits_for_room(main: Main) -> None:
    """A writer that is faster than MAIN waits: more than the buffer holds arrives, and nothing is dropped."""

    def write() -> None:
        for number in range(300):
            main.relay.send({"span": f"{number}", "attributes": {"text": "x" * 20_000}})

    pid = forked(write)
    assert [f"{number}" for number in range(300)] == [record["span"] for record in main.receive(300)]
    os.waitpid(pid, 0)
    assert Counter() == main.counts


def test_a_signal_that_ends_the_waiting_is_a_drop(main: Main) -> None:
    """An exception of a signal's handler, such as a time limit's, gets through, and the record is counted."""

    def limit(_: int, __: FrameType | None) -> None:
        raise TimeoutError("the soft time limit")

    # Full already: the signal comes while it waits, and not while it writes.
    with suppress(BlockingIOError):
        while True:
            main.write(b"x" * 20_000)
    before = signal.signal(signal.SIGALRM, limit)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TimeoutError, match="soft"):
            main.relay.send({"span": "late"})
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [] == main.relay.drain()
    assert main.relay.send({"span": "next"})
    main.receive(1)
    assert 1 == main.counts[DROPPED]


def test_a_child_does_not_tell_what_was_counted_before_it(hasty: Main) -> None:
    """Counts are told by the process that counted them, and not by those that it forks as well."""
    hasty.relay.note("mine")

    def work() -> None:
        hasty.relay.note("childs")
        hasty.relay.send({"span": "5"})

    assert 0 == exit_status_of(work)
    hasty.receive(1)
    assert {"childs": 1} == hasty.counts
    hasty.relay.tell()
    hasty.relay.drain()
    assert {"childs": 1, "mine": 1} == hasty.counts


@pytest.mark.parametrize("garbage", [b"", b"x", b"\xff\xfe", b"[[[[", b'{"span":"5"}', b'[{"span":'])
def test_garbage_is_counted_and_skipped(main: Main, garbage: bytes) -> None:
    """A datagram that is none of ours is counted, and those behind it are read."""
    main.write(garbage)
    main.relay.send({"span": "5"})
    assert [{"span": "5"}] == main.receive(1)
    assert {GARBAGE: 1} == main.counts


def test_a_datagram_that_is_too_large_to_be_ours_is_garbage(main: Main) -> None:
    """One that was cut off on reading is not taken for a whole one."""
    main.write(b'[{"span":"5"}]' + b" " * LARGEST)
    main.relay.send({"span": "6"})
    assert [{"span": "6"}] == main.receive(1)
    assert {GARBAGE: 1} == main.counts


def test_a_drain_takes_no_more_than_its_share(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many records there are, one call returns after a bounded number: MAIN has other things to do."""
    monkeypatch.setattr(module, "MOST", 10)
    for number in range(25):
        main.relay.send({"span": f"{number}"})
    assert [10, 10, 5, 0] == [len(main.relay.drain()) for _ in range(4)]


def test_several_threads_drain(main: Main) -> None:
    """Each record is had by exactly one of the threads that drain at once."""
    records: list[dict[str, Any]] = []
    done = threading.Event()

    def drain() -> None:
        while not done.is_set():
            records.extend(main.relay.drain())

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1000):
        main.relay.send({"span": f"{number}"})
    wait_until(lambda: len(records) >= 1000, deadline=20, message="not all came")
    done.set()
    for thread in threads:
        thread.join()
    assert sorted(map(str, range(1000))) == sorted(record["span"] for record in records)


def test_main_is_woken(main: Main) -> None:
    """The file descriptor becomes readable when a record comes, which is what an event loop watches."""
    with socket.socket(fileno=os.dup(main.relay.fileno())) as reader:
        reader.settimeout(20)
        assert 0 == exit_status_of(lambda: main.relay.send({"span": "5"}))
        assert reader.recv(100, socket.MSG_PEEK)


def test_after_its_end_nobody_waits(main: Main) -> None:
    """A child that sends after MAIN has closed the relay is refused at once, though its buffer is full."""
    ready, told = socket.socketpair()
    with ready, told:

        def work() -> None:
            told.recv(1)
            told.send(b"%d" % main.relay.send({"span": "5"}))

        pid = forked(work)
        main.relay.close()
        main.relay.close()
        ready.send(b"!")
        assert b"0" == ready.recv(1)
        os.waitpid(pid, 0)
    assert [] == main.relay.drain()


def test_a_child_cannot_end_it(main: Main) -> None:
    """What a child inherits and closes on its way out stays open for the others."""
    assert 0 == exit_status_of(main.relay.close)
    assert 0 == exit_status_of(lambda: main.relay.send({"span": "5"}))
    assert [{"span": "5"}] == main.receive(1)


def test_who_is_not_patient_leaves_room(main: Main) -> None:
    """What the next record replaces is sent only where there is plenty of room, at once or not, and never counted."""
    sent = 0
    while main.relay.send({"progress": "x" * 1_000}, patient=False):
        sent += 1
    assert sent > 0
    assert main.relay.send({"end": 1})
    main.relay.tell()
    assert sent + 1 == len(main.receive(sent + 1))
    assert {} == main.counts
