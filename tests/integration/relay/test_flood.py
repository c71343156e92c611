"""What MAIN does not read in time is dropped by the children, and counted."""

import signal
from pathlib import Path

from celery_otel.relay_sender import DROPPED
from celery_otel_pipeline.polling import wait_until
from tests.integration.relay.conftest import OpenShop

CHILDREN, RECORDS, SIZE = 16, 8, 20_000


def test_records_that_found_no_room_are_counted(open_shop: OpenShop, tmp_path: Path) -> None:
    """16 children send 20 kB at a time to a MAIN that is stopped: what arrived and what is counted is what was sent."""
    shop = open_shop(concurrency=CHILDREN)
    results = [shop.send("flood", RECORDS, SIZE, str(tmp_path)) for _ in range(CHILDREN)]
    wait_for_files(tmp_path, "*.ready")
    shop.worker.signal(signal.SIGSTOP)
    (tmp_path / "go").touch()
    wait_for_files(tmp_path, "*.sent")
    shop.worker.signal(signal.SIGCONT)
    sent = sum(result.get(timeout=60) for result in results)
    # Children tell their counts on their way out at the latest.
    shop.worker.warm_stop()
    assert sent == len(shop.records())
    assert all(SIZE == len(record["attributes"]["text"]) for record in shop.records())
    assert {DROPPED: CHILDREN * RECORDS - sent} == shop.notes()
    assert sent > 0


def wait_for_files(directory: Path, pattern: str) -> None:
    """Waits until each child has left a file."""
    wait_until(
        lambda: len(list(directory.glob(pattern))) == CHILDREN,
        deadline=60,
        message=lambda: f"{len(list(directory.glob(pattern)))} children of {CHILDREN}: {pattern}",
    )


def test_a_record_that_is_too_large_is_cut(open_shop: OpenShop, tmp_path: Path) -> None:
    """It arrives with its beginning and end, says that a value was shortened, and is counted."""
    shop = open_shop(concurrency=1)
    (tmp_path / "go").touch()
    assert 1 == shop.run("flood", 1, 1_000_000, str(tmp_path))
    (record,) = shop.wait_for_records(1)
    assert {"values": 1} == record["cut"]
    assert "characters cut" in record["attributes"]["text"]
    assert {"cut": 1} == shop.notes()
