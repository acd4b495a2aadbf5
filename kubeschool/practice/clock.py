"""Time-lapse: timestamps are real, waits are divided by a speed factor."""
import asyncio
from datetime import UTC, datetime


class Clock:
    """The one clock of a practice cluster. `speed` 10 makes a 10 s back-off last 1 s."""

    def __init__(self, speed: float = 1.0):
        self.speed = speed

    def real(self, seconds: float) -> float:
        """Wall-clock seconds that `seconds` of cluster time take."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(self.real(seconds))


def now() -> datetime:
    return datetime.now(UTC)


def timestamp(at: datetime | None = None) -> str:
    """RFC 3339 with whole seconds, as metav1.Time."""
    return (at or now()).isoformat(timespec="seconds").replace("+00:00", "Z")


def micro_timestamp(at: datetime | None = None) -> str:
    """RFC 3339 with microseconds, as metav1.MicroTime."""
    return (at or now()).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """A metav1.Time or metav1.MicroTime as an aware datetime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
