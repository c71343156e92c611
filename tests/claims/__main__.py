"""The command line: `python -m tests.claims` (`make claims`). Exit status 1 if a number is from nowhere."""

import sys

from tests.claims.check import faults, pages
from tests.claims.claim import CLAIMS, Claims
from tests.claims.page import PAGE, write


def main() -> int:
    """Compare, write the page if all is well, and return the exit status."""
    claims = Claims.read(CLAIMS.read_text())
    wrong = list(faults(pages(), claims))
    if wrong:
        sys.stdout.write("\n".join([*wrong, f"{len(wrong)} faults: mend the page or docs/claims.yaml", ""]))
        return 1
    write(claims)
    measured = sum(claim.kind == "by" for claim in claims.claims)
    sys.stdout.write(f"{len(claims.claims)} claims, {measured} of them measured, in {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
