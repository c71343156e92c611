"""Zero code: what `opentelemetry-instrument` loads, so that every Celery application is instrumented.

```console
$ opentelemetry-instrument celery -A shop worker
```
"""

import logging
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any
from weakref import WeakSet

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # it is untyped

from celery_otel.errors import ConfigurationError
from celery_otel.hooks.applications import existing, followed
from celery_otel.instrumentation import instrument, is_instrumented, uninstrument
from celery_otel.settings import Settings

logger = logging.getLogger("celery_otel")


class CeleryOtelInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # as above
    """Instruments the Celery applications of this process, those to come included."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """What has to be installed for it to make sense."""
        return ("celery >= 5.4, < 6",)

    def _instrument(self, **_: Any) -> None:
        self._stack = ExitStack()
        self._ours: WeakSet[Any] = WeakSet()
        try:
            self._settings = Settings.read()
        except ConfigurationError as error:
            # Raised, it would keep the instrumentations of other libraries from being loaded too.
            logger.error("celery-otel instruments nothing: %s", error)  # noqa: TRY400  # it says all there is to say
            return
        self._stack.enter_context(followed(self._add))
        for app in existing():
            self._add(app)

    def _uninstrument(self, **_: Any) -> None:
        self._stack.close()
        for app in list(self._ours):
            uninstrument(app)

    def _add(self, app: Any) -> None:
        if is_instrumented(app):
            return
        try:
            instrument(app, settings=self._settings)
        except Exception:
            # Whatever it is, the user's application is made without us.
            logger.exception("celery-otel could not instrument the application %r.", app.main)
            return
        self._ours.add(app)
