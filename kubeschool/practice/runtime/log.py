"""A container's log: what it wrote to stdout and stderr, line by line, as the CRI log file keeps it.

Like the kubelet's reader (`pkg/kubelet/kuberuntime/logs/logs.go`): a last line without newline is kept without one, timestamps
have nine digits, `tail` counts lines. The newest 10 MB are kept (containerLogMaxSize).
"""
import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from itertools import islice

MAX_BYTES = 10 << 20
MAX_LINE = 16 << 10
ENTRY_COST = 60

Entry = tuple[int, str, bytes]
"""(nanoseconds since the epoch, "stdout" | "stderr", the line with its newline)."""


class Log:
    def __init__(self):
        self.entries: deque[Entry] = deque()
        self._first = 0
        self._size = 0
        self._partial: dict[str, bytes] = {}
        self._closed = False
        self._waiters: list[asyncio.Future] = []

    def write(self, stream: str, data: bytes) -> None:
        """`stream` is "stdout" or "stderr"; an unfinished line waits for its newline (or for 16 kB)."""
        lines = _split(self._partial.pop(stream, b"") + data)
        if lines and not lines[-1].endswith(b"\n") and len(lines[-1]) < MAX_LINE:
            self._partial[stream] = lines.pop()
        for line in lines:
            self._add(stream, line)

    def close(self) -> None:
        """The container has ended: unfinished lines are written, followers end."""
        for stream, rest in self._partial.items():
            self._add(stream, rest)
        self._partial = {}
        self._closed = True
        self._wake()

    def _add(self, stream: str, line: bytes) -> None:
        self.entries.append((time.time_ns(), stream, line))
        self._size += len(line) + ENTRY_COST
        while self._size > MAX_BYTES:
            self._size -= len(self.entries.popleft()[2]) + ENTRY_COST
            self._first += 1
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _selected(self, entries: Iterable[Entry], since: datetime | None, timestamps: bool, stream: str) -> Iterable[bytes]:
        start = int(since.timestamp() * 1e9) if since else 0
        for at, source, line in entries:
            if at >= start and stream in ("All", source.capitalize()):
                yield rfc3339_nano(at).encode() + b" " + line if timestamps else line

    def read(self, tail: int | None = None, since: datetime | None = None, timestamps: bool = False, limit_bytes: int | None = None,
             stream: str = "All") -> bytes:
        """`since` is an aware datetime, `stream` All, Stdout or Stderr."""
        lines = list(self._selected(self.entries, since, timestamps, stream))
        if tail is not None:
            lines = lines[len(lines) - min(tail, len(lines)):]
        return b"".join(lines)[:limit_bytes]

    async def follow(self, tail: int | None = None, since: datetime | None = None, timestamps: bool = False,
                     limit_bytes: int | None = None, stream: str = "All") -> AsyncIterator[bytes]:
        """As read(), then what comes, until the container has ended."""
        seen = self._first + len(self.entries)
        data = self.read(tail, since, timestamps, limit_bytes, stream)
        while True:
            if data:
                yield data
            if limit_bytes is not None:
                limit_bytes -= len(data)
                if limit_bytes <= 0:
                    return
            while seen >= self._first + len(self.entries):
                if self._closed:
                    return
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter
            new = islice(self.entries, max(0, seen - self._first), None)
            data = b"".join(self._selected(new, since, timestamps, stream))[:limit_bytes]
            seen = self._first + len(self.entries)


def _split(data: bytes) -> list[bytes]:
    """Lines ended by \\n alone."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


def rfc3339_nano(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
