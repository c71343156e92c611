"""The standard samplers, by the names that `OTEL_TRACES_SAMPLER` has for them."""

from collections.abc import Callable

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

from celery_otel.settings import Settings

_SAMPLERS: dict[str, Callable[[float], Sampler]] = {
    "always_on": lambda _: ALWAYS_ON,
    "always_off": lambda _: ALWAYS_OFF,
    "traceidratio": TraceIdRatioBased,
    "parentbased_always_on": lambda _: DEFAULT_ON,
    "parentbased_always_off": lambda _: DEFAULT_OFF,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


def sampler(settings: Settings) -> Sampler:
    """The sampler that the settings ask for."""
    ratio = 1.0 if settings.sampler_ratio is None else settings.sampler_ratio
    return _SAMPLERS[settings.sampler](ratio)
