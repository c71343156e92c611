"""`python -m tests.benchmarks.growth` (`make growth`) measures how costs grow; `--help` says what it takes."""

import sys

from tests.benchmarks.growth.command import main

if __name__ == "__main__":
    sys.exit(main())
