"""What is attacked, started for the length of a context."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from celery_otel_api.operation import Scope
from celery_otel_api.tokens import new_token
from celery_otel_pipeline.redis import RedisServer
from tests.attacks.api import Api
from tests.attacks.target import Target
from tests.integration.api.started import address_of, application_module, service_process

_numbers = count()


def target(broker: RedisServer, directory: Path, *, bare: bool = False, env: Mapping[str, str] | None = None) -> Target:
    """A worker under a name of its own, not started."""
    return Target(broker, directory, f"{'bare' if bare else 'attacked'}{next(_numbers)}", bare=bare, **(env or {}))


@contextmanager
def api(directory: Path, broker_url: str) -> Iterator[Api]:
    """The service, with one token."""
    directory.mkdir(parents=True, exist_ok=True)
    secret, token = new_token("attacker", Scope)
    module = application_module(directory, broker_url)
    environment = {"CELERY_OTEL_API_TOKENS": token.line}
    with service_process(directory, ["-A", module, "--port", "0"], environment) as process:
        yield Api(process, address_of(process), secret)
