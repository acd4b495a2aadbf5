"""What every part of the control plane has in common: it can be started and stopped alone, at any moment.

A component keeps nothing that it cannot rebuild from the API when it starts (level-triggered).
"""
import asyncio
import logging
from collections.abc import Coroutine, Hashable

from .apiserver.errors import ApiError
from .client import Client
from .clock import Clock
from .events import EventRecorder
from .informer import Informers, WorkQueue


class Component:
    """One process of a real control plane. Subclasses override `run`; tasks made by `spawn` end with `stop`."""

    name: str
    running = False

    def __init__(self, client: Client, clock: Clock):
        self.client, self.clock = client, clock
        self.log = logging.getLogger(self.name)
        self._tasks: set[asyncio.Task] = set()

    async def start(self) -> None:
        self.log.debug("Starting %s", self.name)
        self.running = True
        self.informers = Informers(self.client)
        self.spawn(self.run())

    async def run(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        self.log.debug("Stopping %s", self.name)
        self.running = False
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.informers.stop()

    def spawn(self, work: Coroutine) -> asyncio.Task:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.log.error("%s failed", self.name, exc_info=task.exception())


class Controller(Component):
    """An informer, a work queue and `reconcile(key)`, retried with back-off when it raises."""

    workers = 1

    def __init__(self, client: Client, clock: Clock):
        super().__init__(client, clock)
        self.events = EventRecorder(client, self.name)
        self.queue = WorkQueue(clock)

    def setup(self) -> None:
        """Connect informers to `self.queue`."""
        raise NotImplementedError

    async def reconcile(self, key: Hashable) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        self.queue = WorkQueue(self.clock)
        self.setup()
        await self.informers.synced()
        self.log.debug('"Caches are synced" controller="%s"', self.name)
        for _ in range(self.workers):
            self.spawn(self._work())

    async def stop(self) -> None:
        await super().stop()
        self.queue.close()

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self.reconcile(key)
                self.queue.forget(key)
            except ApiError as error:
                if error.reason != "Conflict":
                    self.log.warning("%s: %s: %s", self.name, key, error)
                self.queue.add_rate_limited(key)
            except Exception:
                self.log.exception("%s: %s", self.name, key)
                self.queue.add_rate_limited(key)
            finally:
                self.queue.done(key)
            await asyncio.sleep(0)
