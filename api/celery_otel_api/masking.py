"""Takes out of what is shown passwords, of addresses and of whatever is named like one, and arguments of plans."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "********"
_SECRET = re.compile(
    r"pass$|password|passwd|passphrase|secret|token|credential|(api|access|private|signing|encryption)_?key"
    r"|dburi|database_url|database_engine|signature",
    re.IGNORECASE,
)
# To the last @ there is: a password may have one, and too much masked is better than too little.
_USER = re.compile(r"(\w[\w+.-]*://)\S*@")
# Also in the older spelling, and with the prefix that an application gives its settings.
_PLANS = re.compile(r"beat_?schedule$", re.IGNORECASE)
_QUERY = re.compile(r"([?&;][\w.-]*(?:pass|secret|token|key|signature|credential)[\w.-]*=)[^&;\s'\"]+", re.IGNORECASE)


def masked(value: Any) -> Any:
    """A value of plain JSON without the secrets in it."""
    if isinstance(value, Mapping):
        return {str(key): _under(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """A text without user and password in the addresses in it."""
    return _QUERY.sub(rf"\g<1>{MASK}", _USER.sub(rf"\g<1>{MASK}@", text))


def plans_cut(settings: Any) -> Any:
    """Celery's settings without the arguments of beat's tasks, which may be personal data: to `read` they are hidden.

    Whatever is not a mapping is given back as it is.
    """
    if not isinstance(settings, Mapping):
        return settings
    return {key: _plans(value) if _PLANS.search(str(key)) else value for key, value in settings.items()}


def _plans(plans: Any) -> Any:
    # Celery writes an entry that is an object as a text, with its arguments in it.
    return {name: _plan(plan) for name, plan in plans.items()} if isinstance(plans, Mapping) else MASK


def _plan(plan: Any) -> Any:
    if not isinstance(plan, Mapping):
        return MASK
    return {key: MASK if value and key in ("args", "kwargs") else value for key, value in plan.items()}


def _under(key: str, value: Any) -> Any:
    plain = value is None or isinstance(value, bool) or value == ""
    return value if plain else MASK if _SECRET.search(key) else masked(value)
