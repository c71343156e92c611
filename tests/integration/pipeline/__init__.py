"""The local pipeline's processes, started for real."""
