"""`python -m tests.benchmarks.api` measures the API; `--help` says what it takes."""

from tests.benchmarks.api.command import main

if __name__ == "__main__":
    main()
