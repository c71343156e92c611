"""Counts the instructions of a task: what it costs, on a machine on which no clock can be trusted."""
