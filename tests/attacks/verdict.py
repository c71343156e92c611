"""What came of one attack."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """One line of the table.

    Attributes:
        attack: What was done.
        sent: How often.
        wrong: What must not have happened; empty if all is well.
        remarks: What happened beside that, in words.
    """

    attack: str
    sent: int = 0
    wrong: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def hold(self, good: object, what: str) -> None:
        """Notes what is wrong, unless all is well."""
        if not good:
            self.wrong.append(what)

    def __str__(self) -> str:
        """The line."""
        end = "; ".join(["WRONG: " + "; ".join(self.wrong)] * bool(self.wrong) + self.remarks) or "as it must be"
        return f"{self.attack} ({self.sent}): {end}"
