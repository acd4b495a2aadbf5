"""client-go's part: a cache that follows a watch, and the work queue of a controller
(`k8s.io/client-go/tools/cache`, `util/workqueue`)."""
import asyncio
import logging
from collections.abc import Callable, Hashable

from .client import Client
from .clock import Clock

_log = logging.getLogger("informer")

Handler = Callable[[dict | None, dict | None], None]
"""handler(old, new): old is None for a new object, new is None for a deleted one."""


class Informer:
    """A local copy of a resource, kept by a watch. `objects` maps (namespace, name) to shared, read-only objects.

    A handler that raises is logged; the watch goes on.
    """

    def __init__(self, client: Client, resource: str, fields: str = ""):
        self.objects: dict[tuple[str, str], dict] = {}
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._task = asyncio.create_task(self._run(client, resource, fields))

    def get(self, namespace: str, name: str) -> dict | None:
        return self.objects.get((namespace, name))

    def list(self, namespace: str | None = None) -> list[dict]:
        return [obj for key, obj in self.objects.items() if namespace is None or key[0] == namespace]

    def on_change(self, handler: Handler) -> None:
        """Call `handler` on every change, and now for everything already there."""
        self._handlers.append(handler)
        for obj in list(self.objects.values()):
            handler(None, obj)

    async def synced(self) -> None:
        """Wait until the first list is complete."""
        await self._synced.wait()

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self, client: Client, resource: str, fields: str) -> None:
        async for type_, obj in client.list_and_watch(resource, fields):
            if type_ == "SYNC":
                self._synced.set()
                continue
            key = key_of(obj)
            old = self.objects.pop(key, None) if type_ == "DELETED" else self.objects.get(key)
            if type_ != "DELETED":
                self.objects[key] = obj
            change = (old or obj, None) if type_ == "DELETED" else (old, obj)
            for handler in self._handlers:
                try:
                    handler(*change)
                except Exception:
                    _log.exception("handling %s of %s %s", type_, resource, key)


class Informers:
    """The informers of one component, made on first use: `informers["pods"]`."""

    def __init__(self, client: Client):
        self._client = client
        self._informers: dict[tuple[str, str], Informer] = {}

    def __getitem__(self, resource: str) -> Informer:
        return self.selected(resource, "")

    def selected(self, resource: str, fields: str) -> Informer:
        """An informer of the objects a field selector matches."""
        if (resource, fields) not in self._informers:
            self._informers[resource, fields] = Informer(self._client, resource, fields)
        return self._informers[resource, fields]

    async def synced(self) -> None:
        for informer in list(self._informers.values()):
            await informer.synced()

    def stop(self) -> None:
        for informer in self._informers.values():
            informer.stop()
        self._informers.clear()


class WorkQueue:
    """Keys to reconcile: no key twice, none handed out while it is worked on, retries ever later.

    Retry delays are client-go's: 5 ms doubling to 1000 s.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self._ready: dict[Hashable, None] = {}
        self._busy: set[Hashable] = set()
        self._dirty: set[Hashable] = set()
        self._failures: dict[Hashable, int] = {}
        self._timers: dict[Hashable, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()

    def add(self, key: Hashable) -> None:
        if key in self._busy:
            self._dirty.add(key)
        else:
            self._ready[key] = None
            self._wake.set()

    def add_after(self, key: Hashable, seconds: float) -> None:
        """Add after `seconds` of cluster time, or when an earlier call said, whichever is first."""
        if seconds <= 0:
            return self.add(key)
        loop, waiting = asyncio.get_running_loop(), self._timers.get(key)
        at = loop.time() + self._clock.real(seconds)
        if waiting and waiting.when() <= at:
            return
        if waiting:
            waiting.cancel()

        def due() -> None:
            self._timers.pop(key, None)
            self.add(key)

        self._timers[key] = loop.call_at(at, due)

    def add_rate_limited(self, key: Hashable) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(0.005 * 2**failures, 1000))

    def forget(self, key: Hashable) -> None:
        self._failures.pop(key, None)

    async def get(self) -> Hashable:
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        key = next(iter(self._ready))
        del self._ready[key]
        self._busy.add(key)
        return key

    def done(self, key: Hashable) -> None:
        self._busy.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


def key_of(obj: dict) -> tuple[str, str]:
    """(namespace, name) of an object; namespace "" when cluster-scoped."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def controller_of(obj: dict) -> dict | None:
    """The ownerReference that is the object's controller (apimachinery `pkg/apis/meta/v1/controller_ref.go`)."""
    return next((ref for ref in obj["metadata"].get("ownerReferences", ()) if ref.get("controller")), None)
