"""The real collector and the real Jaeger, and spans from OpenTelemetry's own SDK.

What is sent comes from no worker of ours, so that what Jaeger gets is decided by the collector alone.
"""
