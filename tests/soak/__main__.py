"""`python -m tests.soak` (`make soak`) soaks; `--help` says what it takes."""

import sys

from tests.soak.command import main

if __name__ == "__main__":
    sys.exit(main())
