"""The oldest Celery that is supported has the relay as well."""

import pytest

from tests.integration.relay.conftest import OpenShop, span, stamp


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet", "solo"])
def test_a_task_has_its_span_on_celery_5_4(open_shop: OpenShop, celery54: str, pool: str) -> None:
    """Its ids are the stamp's, also in its log lines, and what it sets arrives."""
    shop = open_shop("--max-tasks-per-child", "2", pool=pool, python=celery54)
    quiet, said = shop.send("quiet"), shop.send("say", "packed")
    assert stamp(quiet) == quiet.get(timeout=60)
    said.get(timeout=60)
    assert f": packed trace_id={stamp(said).split('-')[1]} span_id={span(said)}" in shop.worker.log
    results = [shop.send("everything") for _ in range(5)]
    assert sorted(map(span, results)) == sorted(record["span"] for record in shop.wait_for_records(5))
    assert "v5.4." in shop.worker.log
