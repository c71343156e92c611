"""Runs workers at full rate for a long time: memory, descriptors, threads and series stay, and the counts are right."""
