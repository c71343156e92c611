"""The API's own series say what is known, and nothing of what is not."""

from celery_otel import names
from celery_otel.inspection import WorkerAnswer
from celery_otel.metric import Readings
from celery_otel_api.fleet import Member, Presence
from celery_otel_api.gauges import readings
from celery_otel_api.queues_schemas import QueueStatus
from celery_otel_api.snapshot import Snapshot


def read(*members: Member, queues: tuple[QueueStatus, ...] = (), connected: bool = True) -> Readings:
    """The series of a picture with these workers."""
    snapshot = Snapshot(1.0, broker_connected=connected, members=members)
    return readings(snapshot, queues, collector_up=None)


def test_a_worker_that_answers_or_whose_heart_beats_is_up() -> None:
    """Online and silent are 1, offline is 0."""
    found = read(*(Member(str(presence), presence) for presence in Presence))
    assert {("online",): 1, ("silent",): 1, ("offline",): 0} == found[names.WORKER_UP]


def test_without_a_broker_nothing_is_known_of_workers() -> None:
    """The broker is down, and no worker is said to be."""
    found = read(Member("a@b", Presence.UNKNOWN), connected=False)
    assert ({(): 0}, {}) == (found[names.BROKER_UP], found[names.WORKER_UP])


def test_before_the_first_picture_nothing_is_known() -> None:
    """A broker that was never asked is not down."""
    found = readings(Snapshot(0.0, broker_connected=False), (), collector_up=None)
    assert [] == [series for series in found.values() if series]


def test_a_worker_has_the_name_of_its_own_series() -> None:
    """A worker that exports under another name than its node's has that one here."""
    answer = WorkerAnswer("a@pod-x7", instrumented=True, worker_name="orders-0")
    assert {("orders-0",): 1} == read(Member("a@pod-x7", Presence.ONLINE, answer=answer))[names.WORKER_UP]


def test_what_is_not_known_of_a_queue_is_absent() -> None:
    """A length of 0 is shown, an unknown age is not."""
    queue = QueueStatus.model_construct(name="celery", length=0, consumers=2, oldest_message_age_seconds=None)
    found = read(queues=(queue,))
    shown = (found[names.QUEUE_LENGTH], found[names.QUEUE_CONSUMERS], found[names.QUEUE_OLDEST_MESSAGE_AGE])
    assert ({("celery",): 0}, {("celery",): 2}, {}) == shown


def test_the_collector_is_up_or_down_where_one_is_read() -> None:
    """Without a collector there is no series."""
    found = [readings(Snapshot(1.0, broker_connected=True), (), collector_up=up) for up in (True, False, None)]
    assert [{(): 1}, {(): 0}, {}] == [one[names.CELERY_OTEL_API_COLLECTOR_UP] for one in found]


def test_every_series_of_the_api_is_read() -> None:
    """What telemetry.yaml gives to the API is what the API reads."""
    assert set(names.API_METRICS) == set(read())
