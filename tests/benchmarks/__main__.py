"""`python -m tests.benchmarks` is the same as `overhead.py`, where the import path is set already."""

from tests.benchmarks.command import main

if __name__ == "__main__":
    main()
