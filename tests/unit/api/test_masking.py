"""No password is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_otel_api.masking import MASK, masked, masked_text, plans_cut

letters = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(letters, st.sampled_from(["redis", "amqp", "sentinel", "db+postgresql", "rediss"]))
def test_no_part_of_an_address_before_its_host_is_shown(password: str, scheme: str) -> None:
    """Whatever characters a password has, the address shows neither it nor the user."""
    assert f"{scheme}://{MASK}@host:1/0" == masked_text(f"{scheme}://user:{password}@host:1/0")


def test_addresses_are_masked_wherever_they_are() -> None:
    """An address is masked in lists and mappings, and one without a password is left as it is."""
    told = {"alternates": ["amqp://u:p@a//"], "deep": {"url": "redis://b/0"}, "port": 5672}
    expected = {"alternates": [f"amqp://{MASK}@a//"], "deep": {"url": "redis://b/0"}, "port": 5672}
    assert expected == masked(told)


def test_what_is_named_like_a_secret_is_masked() -> None:
    """Passwords, tokens and keys are masked by their names, however deep; routing keys are none."""
    told = {"sentinel_kwargs": {"password": "p"}, "api_key": "k", "routing_key": "celery", "broker_password": None}
    expected = {
        "sentinel_kwargs": {"password": MASK},
        "api_key": MASK,
        "routing_key": "celery",
        "broker_password": None,
    }
    assert expected == masked(told)


def test_secrets_in_a_query_are_masked() -> None:
    """A password may be a parameter of the address."""
    assert f"redis://h/0?password={MASK}&db=1" == masked_text("redis://h/0?password=p&db=1")


def test_arguments_of_what_beat_sends_are_hidden() -> None:
    """Of every entry of the schedule, in each spelling of the setting; what else it says stays."""
    entry = {"task": "shop.mail", "schedule": 60.0, "args": ["ann@example.com"], "kwargs": {"iban": "DE1"}}
    hidden = {"task": "shop.mail", "schedule": 60.0, "args": MASK, "kwargs": MASK}
    bare = {"task": "shop.add", "schedule": "<crontab>", "args": [], "kwargs": {}}
    for name in ("beat_schedule", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE"):
        told = plans_cut(
            {name: {"mail": entry, "bare": bare, "object": "<ScheduleEntry: mail('ann')>"}, "timezone": "UTC"}
        )
        assert {name: {"mail": hidden, "bare": bare, "object": MASK}, "timezone": "UTC"} == told


@pytest.mark.parametrize("answer", [None, ["q"], 7, {"beat_schedule_filename": "celerybeat-schedule"}])
def test_what_has_no_schedule_stays(answer: object) -> None:
    """The answers of other commands are left alone."""
    assert answer == plans_cut(answer)
