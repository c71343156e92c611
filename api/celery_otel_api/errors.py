"""What this package raises."""


class ApiError(Exception):
    """Base of all errors of celery-otel's API."""


class ConfigurationError(ApiError):
    """An option has a value that cannot be used. The message names it, the value, and what would be valid."""


class BrokerUnreachableError(ApiError):
    """The broker did not answer in time. The message says which and why, without its password."""


class RevokeUnknownError(ApiError):
    """The broker went away when a revoke may have been sent already. The message says why, without its password."""
