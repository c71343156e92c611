"""What the tests and the shop's processes both know. Apart from these: to import those is to instrument the process."""

SECRET = "card-4711"  # noqa: S105  # stands for what must not be told
"""What is in arguments, results and messages of exceptions."""
DYING = 0.3
"""How long a task lives that ends its process, in seconds."""
CROWD = 40
"""How many requests a crowd makes."""
