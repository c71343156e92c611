"""What the application and the tests both name; importing the application would instrument the tests' own process."""

import os

SHOP = f"shop-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
"""The application's name, which two test runs of one machine must not share: beats of one service are told apart."""
TASK = "shop.order"
BREAKABLE = {"tick": "ticked", "entries": "replace_entries", "apply_async": "fired"}
"""Our hooks, each with the method of `BeatCounts` that it needs."""
