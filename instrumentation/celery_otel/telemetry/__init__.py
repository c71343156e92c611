"""From the readings of a worker to exporters: OpenTelemetry's SDK is known here and nowhere else."""
