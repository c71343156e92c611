"""One worker node is one resource."""

import pytest

from celery_otel.settings import Settings
from celery_otel.telemetry.resource import worker_resource


@pytest.mark.parametrize(
    ("expected", "environ"),
    [
        (("shop", "w1@host"), {}),
        (("orders", "w1@host"), {"OTEL_SERVICE_NAME": "orders"}),
        (("orders", "pod-0"), {"OTEL_RESOURCE_ATTRIBUTES": "service.name=orders,service.instance.id=pod-0"}),
        (("named", "w1@host"), {"OTEL_SERVICE_NAME": "named", "OTEL_RESOURCE_ATTRIBUTES": "service.name=orders"}),
    ],
)
def test_the_resource_names_service_and_worker(
    expected: tuple[str, str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is the application and the instance the node, unless the environment says otherwise."""
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    attributes = worker_resource(Settings.read(environ), "shop", "w1@host").attributes
    assert expected == (attributes["service.name"], attributes["service.instance.id"])
