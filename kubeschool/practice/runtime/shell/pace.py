"""Fairness: simulated programs that compute share one event loop with the whole cluster."""
import asyncio
import time

BURST, REST = 0.002, 0.004
"""Seconds of the machine's CPU before others run, and real seconds the program then rests: a busy loop takes a third of a core."""


class Pace:
    """`await pace()` inside a loop that could compute for long; the process shows as using a core while it does."""

    def __init__(self, process):
        self.process = process
        self.since = time.thread_time()

    async def __call__(self) -> None:
        if time.thread_time() - self.since > BURST:
            self.process.cpu = 1.0
            await asyncio.sleep(REST)
            self.since = time.thread_time()

    def waited(self, since: float) -> None:
        """After a wait that began at `since` (time.monotonic): a real one means this is no busy loop."""
        if time.monotonic() - since > BURST:
            self.process.cpu = 0.0
            self.since = time.thread_time()
