"""What a sampler says of a span, as its identity keeps it."""

from typing import Any

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, Sampler, SamplingResult

from celery_otel.telemetry.span_identity import IdentityMaker

GIVEN = {"messaging.system": "redis", "celery.task.name": "shop.pay"}


class Generous(Sampler):
    """Changes one of the attributes that it is given, and adds one."""

    def should_sample(self, *given: Any, **_: Any) -> SamplingResult:
        """Samples everything."""
        attributes = given[4]
        said = {**attributes, "celery.task.name": "pay", "sampling.priority": 1}
        return SamplingResult(Decision.RECORD_AND_SAMPLE, said)

    def get_description(self) -> str:
        """Its name."""
        return "Generous"


def test_what_a_sampler_hands_back_is_not_kept_twice() -> None:
    """The SDK's samplers return the attributes that they were given: those are encoded once for all spans."""
    assert {} == IdentityMaker(ALWAYS_ON).make({}, lambda: ("process shop.pay", GIVEN)).attributes


def test_what_a_sampler_adds_or_changes_is_kept() -> None:
    """An attribute of the sampler's own reaches the span, also where it replaces one of ours."""
    identity = IdentityMaker(Generous()).make({}, lambda: ("process shop.pay", GIVEN))
    assert {"celery.task.name": "pay", "sampling.priority": 1} == identity.attributes
