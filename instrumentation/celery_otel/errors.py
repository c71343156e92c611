"""The errors of celery-otel.

```
CeleryOtelError
└── ConfigurationError   a setting has a value that cannot be used
```

Nothing else is ever raised to a user: what goes wrong inside a running worker is counted and logged (`failures.py`).
"""


class CeleryOtelError(Exception):
    """The base of every error that celery-otel raises."""


class ConfigurationError(CeleryOtelError):
    """A setting has a value that cannot be used.

    Attributes:
        key: The environment variable.
        value: What it holds.
        valid: What would be valid, in words.
    """

    def __init__(self, key: str, value: str, valid: str) -> None:
        super().__init__(f"{key}={value!r} cannot be used: give it {valid}, or unset it.")
        self.key = key
        self.value = value
        self.valid = valid
