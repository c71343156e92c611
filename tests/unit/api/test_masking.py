"""No password is shown."""

from hypothesis import given
from hypothesis import strategies as st

from celery_otel_api.masking import MASK, masked, masked_text

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
