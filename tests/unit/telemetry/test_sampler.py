"""The sampler is the one that the standard variables name."""

import pytest

from celery_otel.settings import Settings
from celery_otel.telemetry.sampler import sampler
from celery_otel.trace_options import SAMPLERS


@pytest.mark.parametrize(
    ("expected", "environ"),
    [
        ("ParentBased{root:AlwaysOnSampler", {}),
        ("AlwaysOffSampler", {"OTEL_TRACES_SAMPLER": "always_off"}),
        ("TraceIdRatioBased{0.25}", {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}),
        ("TraceIdRatioBased{1.0}", {"OTEL_TRACES_SAMPLER": "traceidratio"}),
        (
            "ParentBased{root:TraceIdRatioBased{0.0}",
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        ),
    ],
)
def test_the_variables_choose(expected: str, environ: dict[str, str]) -> None:
    """Name and argument decide."""
    assert sampler(Settings.read(environ)).get_description().startswith(expected)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_valid_name_is_known(name: str) -> None:
    """Whatever the settings accept can be made."""
    assert sampler(Settings.read({"OTEL_TRACES_SAMPLER": name})).get_description()
