"""Unit tests of the demo: its plan, its witnesses and its comparison."""
