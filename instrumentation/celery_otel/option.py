"""What an option is: one environment variable, checked and typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery_otel.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Option:
    """One environment variable.

    Attributes:
        key: Its name.
        default: What it holds when it is unset or empty.
        valid: What it may hold, in words.
        parse: Turns the text into a value; raises ValueError for one that cannot be used.
        meaning: What it is for, for the reference page.
        secret: Whether its value is kept out of messages.
    """

    key: str
    default: str
    valid: str
    parse: Callable[[str], Any]
    meaning: str
    secret: bool = False

    def read(self, environ: Mapping[str, str]) -> Any:
        """Its value.

        Raises:
            ConfigurationError: It holds something that cannot be used.
        """
        text = environ.get(self.key, "").strip() or self.default
        try:
            return self.parse(text)
        except ValueError:
            # Without the cause: it would repeat the value, which may be a secret.
            raise ConfigurationError(self.key, "***" if self.secret else text, self.valid) from None
