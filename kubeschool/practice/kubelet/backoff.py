"""Exponential back-off by key (client-go `util/flowcontrol/backoff.go`).

A delay starts at `initial`, doubles on every failure up to `maximum`, and starts anew for a key that has not failed for twice
the maximum. Seconds are cluster seconds.
"""
import asyncio
from dataclasses import dataclass

from ..clock import Clock


@dataclass
class _Entry:
    delay: float
    updated: float


class Backoff:
    def __init__(self, clock: Clock, initial: float = 10, maximum: float = 300):
        self._clock, self._initial, self._maximum = clock, initial, maximum
        self._entries: dict[object, _Entry] = {}

    def failed(self, key: object, ended: float | None = None) -> None:
        """Count a failure. `ended` is the loop time the failed run ended, None for now."""
        entry = self._entries.get(key)
        now = asyncio.get_running_loop().time()
        if entry is None or self._expired(entry, now if ended is None else ended):
            self._entries[key] = _Entry(self._initial, now)
        else:
            entry.delay, entry.updated = min(entry.delay * 2, self._maximum), now

    def delay(self, key: object) -> float:
        """The current delay of a key; 0 when it has not failed."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0

    def remaining(self, key: object, since: float | None = None) -> float:
        """Seconds still to wait, 0 when the key may be tried; the delay counts from loop time `since`, or from the last failure."""
        entry = self._entries.get(key)
        now = asyncio.get_running_loop().time()
        if entry is None or self._expired(entry, now if since is None else since):
            return 0
        return max(0.0, entry.delay - (now - (entry.updated if since is None else since)) * self._clock.speed)

    def forget(self, owner: object) -> None:
        """Drop the keys (owner, …) of a pod that is gone."""
        self._entries = {key: entry for key, entry in self._entries.items() if key[0] != owner}

    def _expired(self, entry: _Entry, at: float) -> bool:
        return (at - entry.updated) * self._clock.speed > 2 * self._maximum
