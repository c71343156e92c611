"""The real servers around a worker, as child processes on free loopback ports.

Used by the demo, the tests and the benchmarks; not part of the distribution on a package index. Every server owns a
directory for its data and its log, is a context manager, and leaves nothing running behind, even when its parent is
killed.
"""
