"""Attacks a worker, the API and the collector by whatever reaches them, and holds what they do against what they must.

`python -m tests.attacks` (`make attack`) plays all of it and prints one line for each attack.
"""
