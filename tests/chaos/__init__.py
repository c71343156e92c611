"""Breaks what stands around the workers at random moments, and holds the numbers against the plan all the same."""
