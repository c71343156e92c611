"""Makes a context the current one, in as few calls as OpenTelemetry lets us: it happens around every task."""

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any

from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

Attach = Callable[[Context], Token[Context]]
Detach = Callable[[Token[Context]], None]


def steps(api: Any = otel) -> tuple[Attach, Detach]:
    """What attaches a context, and what detaches it again.

    OpenTelemetry keeps the current context in a context variable, behind two calls that do nothing else. Where that is
    so, these are the variable's own `set` and `reset`; else they are OpenTelemetry's `attach` and `detach`.

    Args:
        api: OpenTelemetry's module of contexts.
    """
    runtime = getattr(api, "_RUNTIME_CONTEXT", None)
    variable = getattr(runtime, "_current_context", None)
    if type(runtime) is not ContextVarsRuntimeContext or not isinstance(variable, ContextVar):
        return api.attach, api.detach
    reset = variable.reset

    def detach(token: Token[Context]) -> None:
        try:
            reset(token)
        except (ValueError, RuntimeError):
            # Attached elsewhere, or detached already: OpenTelemetry says so in its way.
            api.detach(token)

    return variable.set, detach
