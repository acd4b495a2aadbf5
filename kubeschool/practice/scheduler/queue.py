"""The scheduling queue (`pkg/scheduler/backend/queue/scheduling_queue.go`): active, backing off, unschedulable, gated."""

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field

from ..clock import Clock
from .cache import PodInfo

INITIAL_BACKOFF, MAX_BACKOFF = 1.0, 10.0
"""Seconds between attempts: 1, 2, 4, 8, 10, 10 …"""
UNSCHEDULABLE_TIMEOUT = 300.0
"""After so many seconds an unschedulable pod is tried again without any event."""

MOVED_BY: dict[str, frozenset[str]] = {
    "NoNodes": frozenset({"NodeAdd"}),
    "NodeUnschedulable": frozenset({"NodeAdd", "NodeTaint"}),
    "NodeName": frozenset({"NodeAdd"}),
    "TaintToleration": frozenset({"NodeAdd", "NodeTaint", "PodUpdate"}),
    "NodeAffinity": frozenset({"NodeAdd", "NodeLabel"}),
    "NodePorts": frozenset({"NodeAdd", "AssignedPodDelete"}),
    "NodeResourcesFit": frozenset({"NodeAdd", "NodeAllocatable", "AssignedPodDelete", "AssignedPodResize"}),
    "VolumeBinding": frozenset({"NodeAdd", "NodeLabel", "Volume"}),
    "PodTopologySpread": frozenset(
        {"NodeAdd", "NodeDelete", "NodeLabel", "NodeTaint", "AssignedPodAdd", "AssignedPodLabel", "AssignedPodDelete"}
    ),
    "InterPodAffinity": frozenset({"NodeAdd", "NodeLabel", "AssignedPodAdd", "AssignedPodLabel", "AssignedPodDelete"}),
}
"""Which cluster events can help a pod that a plugin rejected (the plugins' EventsToRegister)."""


@dataclass(slots=True)
class QueuedPod:
    info: PodInfo
    attempts: int = 0
    failures: int = 0
    rejected_by: frozenset[str] = frozenset()
    tried_at: float = 0.0
    """Event loop time of the last attempt."""
    order: int = field(default=0)


class SchedulingQueue:
    """Highest priority first, then first come. Moved pods that still back off are taken only when nothing else waits
    (gate SchedulerPopFromBackoffQ); pods that failed by an error wait out their back-off."""

    def __init__(self, clock: Clock):
        self._clock, self._loop = clock, asyncio.get_running_loop()
        self._pods: dict[tuple, QueuedPod] = {}
        self._active: list[tuple[int, int, tuple]] = []
        self._backoff: list[tuple[int, int, tuple]] = []
        self._state: dict[tuple, str] = {}
        self._timers: dict[tuple, asyncio.TimerHandle] = {}
        self._numbers = itertools.count()
        self._wake = asyncio.Event()

    def add(self, info: PodInfo) -> None:
        """A pod without a node, new or changed."""
        queued = self._pods.get(info.key)
        if queued is None or queued.info.uid != info.uid:
            self.remove(info.key)
            queued = self._pods[info.key] = QueuedPod(info, order=next(self._numbers))
            self._put(queued, "gated" if _gated(info) else "active")
            return
        changed = _scheduling_part(queued.info.pod) != _scheduling_part(info.pod)
        queued.info = info
        if self._state.get(info.key) == "gated":
            if not _gated(info):
                self._put(queued, "active")
        elif changed and self._state.get(info.key) == "unschedulable":
            self._retry(queued)

    def remove(self, key: tuple) -> None:
        self._pods.pop(key, None)
        self._state.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    async def pop(self) -> QueuedPod:
        while True:
            for heap, state in ((self._active, "active"), (self._backoff, "backoff")):
                while heap:
                    _, _, key = heapq.heappop(heap)
                    if self._state.get(key) == state:
                        queued = self._pods[key]
                        self._state[key] = "in flight"
                        queued.attempts += 1
                        queued.tried_at = self._loop.time()
                        return queued
            self._wake.clear()
            await self._wake.wait()

    def unschedulable(self, queued: QueuedPod, rejected_by: frozenset[str]) -> None:
        """Back after an attempt that filters rejected: wait for an event that may help."""
        if self._pods.get(queued.info.key) is queued:
            queued.failures += 1
            queued.rejected_by = rejected_by
            self._put(queued, "unschedulable")

    def failed(self, queued: QueuedPod) -> None:
        """Back after an attempt that ended in an error: wait out the back-off."""
        key = queued.info.key
        if self._pods.get(key) is queued:
            queued.failures += 1
            self._state[key] = "error"
            wait = self._clock.real(backoff(queued.failures))
            self._timers[key] = self._loop.call_later(wait, self._put, queued, "active")

    def move(self, event: str) -> None:
        """Something changed in the cluster: pods it may help are tried again."""
        for key, state in list(self._state.items()):
            queued = self._pods[key]
            if state == "unschedulable" and any(event in MOVED_BY[plugin] for plugin in queued.rejected_by):
                self._retry(queued)

    def activate(self, key: tuple) -> None:
        if self._state.get(key) == "unschedulable":
            self._retry(self._pods[key])

    def flush(self) -> None:
        """Try again what has been unschedulable for long."""
        limit = self._loop.time() - self._clock.real(UNSCHEDULABLE_TIMEOUT)
        for key, state in list(self._state.items()):
            if state == "unschedulable" and self._pods[key].tried_at < limit:
                self._retry(self._pods[key])

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _retry(self, queued: QueuedPod) -> None:
        waited = self._loop.time() - queued.tried_at
        self._put(queued, "backoff" if waited < self._clock.real(backoff(queued.failures)) else "active")

    def _put(self, queued: QueuedPod, state: str) -> None:
        key = queued.info.key
        self._timers.pop(key, None)
        if self._pods.get(key) is not queued:
            return
        self._state[key] = state
        if state in ("active", "backoff"):
            heapq.heappush(self._active if state == "active" else self._backoff, (-queued.info.priority, queued.order, key))
            self._wake.set()


def backoff(failures: int) -> float:
    return min(INITIAL_BACKOFF * 2 ** (failures - 1), MAX_BACKOFF) if failures else 0.0


def _gated(info: PodInfo) -> bool:
    return bool(info.pod["spec"].get("schedulingGates"))


def _scheduling_part(pod: dict) -> tuple:
    """What an update must touch to make another attempt worth while."""
    return pod["spec"], pod["metadata"].get("labels") or {}
