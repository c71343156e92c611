"""Why a state cannot be taken up or kept."""


class StateError(Exception):
    """A state cannot be used; the message says what happened and what to do."""
