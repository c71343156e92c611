"""What a broker has to do: its own CPU time, commands and bytes, as Redis itself counts them."""

from dataclasses import dataclass
from typing import Any, Self

from redis import Redis


@dataclass(frozen=True)
class Traffic:
    """What a Redis server has done.

    Attributes:
        cpu: Its CPU time, in seconds.
        commands: How many commands it has carried out.
        received: Bytes that came to it.
        sent: Bytes that left it.
    """

    cpu: float
    commands: float
    received: float
    sent: float

    @classmethod
    def of(cls, redis: Redis) -> Self:
        """What it has done until now."""
        info: dict[str, Any] = redis.info("everything")
        return cls(
            float(info["used_cpu_user"]) + float(info["used_cpu_sys"]),
            float(info["total_commands_processed"]),
            float(info["total_net_input_bytes"]),
            float(info["total_net_output_bytes"]),
        )

    def __sub__(self, other: "Traffic") -> "Traffic":
        return Traffic(
            self.cpu - other.cpu,
            self.commands - other.commands,
            self.received - other.received,
            self.sent - other.sent,
        )

    def __truediv__(self, count: int) -> "Traffic":
        return Traffic(self.cpu / count, self.commands / count, self.received / count, self.sent / count)
