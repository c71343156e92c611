"""What the application and the tests both name; importing the application would instrument the tests' own process."""

TASK = "shop.order"
BREAKABLE = {"tick": "ticked", "entries": "replace_entries", "apply_async": "fired"}
"""Our hooks, each with the method of `BeatCounts` that it needs."""
