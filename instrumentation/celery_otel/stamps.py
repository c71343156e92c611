"""The message headers that are ours: what publishers tell workers, and what a worker's main process tells its children.

Each is text, since transports treat numbers differently. A retry's message begins as a copy of the headers of the
attempt before, so each is overwritten or taken out whenever a message is published.
"""

PUBLISHED_AT = "celery_otel_published_at"
"""When the message was published: a Unix time in seconds."""
PREVIOUS = "celery_otel_previous"
"""In the message of a retry, the span of the attempt before: a W3C traceparent."""
LINKS = "celery_otel_links"
"""In the message of a chord's body, the spans that published its headers: W3C traceparents, separated by commas."""
CHORD = "celery_otel_chord"
"""In the message of a chord's header, the id of the body's task."""
TRACEPARENT = "celery_otel_traceparent"
"""Where a child finds its attempt's own span: a W3C traceparent. Never in a message."""
TRACESTATE = "celery_otel_tracestate"
"""And that span's trace state. Never in a message."""
