"""Every option of the API: `CELERY_OTEL_API_*` variables, which the options of the command line overrule."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from celery_otel_api.errors import ConfigurationError

PREFIX = "CELERY_OTEL_API_"


def _listed(value: object) -> object:
    """The parts of a list that is written with commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Names, which a variable separates by commas."""


class ApiSettings(BaseSettings):
    """The options.

    Raises:
        ConfigurationError: From `read`, when a variable has a value that cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="the address to listen on; any other than loopback needs tokens")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on; 0 for a free one")
    token_file: str = Field("", description="a file of hashed tokens, one a line; see `celery-otel-api token`")
    tokens: SecretStr = Field(SecretStr(""), description="the same lines, separated by commas")
    allow_anyone: bool = Field(
        default=False, description="listen beyond loopback without tokens: everyone may do everything"
    )
    failures_per_minute: int = Field(10, ge=1, description="wrong tokens that one address may send in a minute")
    allowed_hosts: Names = Field(
        (),
        description=(
            "names by which this service is reached, separated by commas, beside its address and localhost; * for any"
        ),
    )
    ssl_certfile: str = Field("", description="the certificate for TLS, with its chain (PEM)")
    ssl_keyfile: str = Field("", description="the certificate's private key (PEM)")
    workers: Names = Field((), description="node names of workers that have to be there, separated by commas")
    queues: Names = Field(
        (), description="queues to show beside those that a worker consumes or the application declares"
    )
    forget_after: float = Field(3600.0, gt=0, description="seconds after which a worker that is away is not expected")
    refresh_interval: float = Field(2.0, gt=0, description="seconds between two questions to the workers, at least")
    inspect_timeout: float = Field(1.0, gt=0, le=10, description="seconds to wait for the next worker's answer")
    deadline: float = Field(
        5.0, gt=0, le=60, description="seconds after which a request is answered with what is known"
    )
    rabbitmq_management_url: SecretStr = Field(
        SecretStr(""), description="RabbitMQ's management API, with user and password, for what AMQP does not tell"
    )
    collector_metrics_url: str = Field("", description="the collector's metrics, to be shown with our own")
    prometheus_url: str = Field("", description="Prometheus, for figures of the last minutes and hours")
    jaeger_url: str = Field("", description="Jaeger's page, for links to traces")
    grafana_url: str = Field("", description="Grafana's page, for links to panels")

    @classmethod
    def read(cls, **given: object) -> "ApiSettings":
        """The options: those given, else those of the environment, else their defaults.

        Raises:
            ConfigurationError: A value cannot be used.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise ConfigurationError(
                f"{option(name)} ({variable(name)}) cannot be {first['input']!r}: {first['msg']}. "
                f"It is {cls.model_fields[name].description}."
            ) from None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def option(name: str) -> str:
    """The option of the command line that overrules it."""
    return "--" + name.replace("_", "-")
