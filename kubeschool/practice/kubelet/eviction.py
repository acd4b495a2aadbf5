"""Eviction of pods that use too much local storage, or of the greediest one when the node runs out of memory
(`pkg/kubelet/eviction/{eviction_manager,helpers}.go`)."""
import asyncio
from typing import TYPE_CHECKING

from ..apiserver import quantity
from ..runtime.filesystem import Directory

if TYPE_CHECKING:
    from .kubelet import Kubelet
    from .pod_worker import PodWorker

PERIOD = 10
"""Seconds between two looks (monitoringInterval)."""
MEMORY_THRESHOLD = 100 << 20
PRESSURE_TRANSITION = 300
"""Seconds the node keeps saying MemoryPressure after the memory came back (evictionPressureTransitionPeriod)."""


class EvictionManager:
    def __init__(self, kubelet: "Kubelet"):
        self._kubelet = kubelet
        self.has_pods = asyncio.Event()
        self.memory_pressure = False

    async def run(self) -> None:
        """Looks only while the node has pods."""
        loop = asyncio.get_running_loop()
        pressed = -float("inf")
        while True:
            await self.has_pods.wait()
            await self._kubelet.clock.sleep(PERIOD)
            if not self._kubelet.workers:
                self.has_pods.clear()
            workers = [worker for worker in self._kubelet.workers.values() if not worker.ending]
            for worker in workers:
                if message := _over_storage_limit(worker):
                    worker.evict(message)
            if self._reclaim_memory(workers):
                pressed = loop.time()
            pressure = (loop.time() - pressed) * self._kubelet.clock.speed < PRESSURE_TRANSITION
            if pressure != self.memory_pressure:
                self.memory_pressure = pressure
                self._kubelet.report_pressure(pressure)

    def _reclaim_memory(self, workers: "list[PodWorker]") -> bool:
        """Whether the node is short of memory; then the pod that is most over its request goes, lowest priority first."""
        capacity = int(quantity.parse(self._kubelet.allocatable["memory"]))
        available = capacity - sum(_memory(worker) for worker in workers)
        if available >= MEMORY_THRESHOLD:
            return False
        self._kubelet.node_event("EvictionThresholdMet", "Attempting to reclaim memory", "Warning")

        def rank(worker: "PodWorker") -> tuple:
            over = _memory(worker) - sum(_request(c) for c in worker.pod["spec"]["containers"])
            return over <= 0, worker.pod["spec"].get("priority", 0), -over

        if workers:
            worker = min(workers, key=rank)
            worker.evict(_low_on_memory(worker, available), disruption=True)
        return True


def _memory(worker: "PodWorker") -> int:
    return sum(run.container.usage()[1] for run in _running(worker))


def _running(worker: "PodWorker") -> list:
    return [runs[-1] for runs in worker.seen.runs.values() if runs[-1].running]


def _request(container: dict) -> int:
    return int(quantity.parse((container.get("resources", {}).get("requests") or {}).get("memory", 0)))


def _low_on_memory(worker: "PodWorker", available: int) -> str:
    words = f"The node was low on resource: memory. Threshold quantity: 100Mi, available: {max(0, available) >> 10}Ki. "
    requests = {c["name"]: _request(c) for c in worker.pod["spec"]["containers"]}
    for run in _running(worker):
        used, request = run.container.usage()[1], requests.get(run.name, 0)
        if used > request:
            wanted = quantity.format(request, "binary")
            words += f"Container {run.name} was using {used >> 10}Ki, request is {wanted}, has larger consumption of memory. "
    return words


def _over_storage_limit(worker: "PodWorker") -> str:
    """Why a pod that uses more local storage than it may is evicted, or ""."""
    volumes, total = worker.volumes.mounted, 0
    for volume in worker.pod["spec"].get("volumes", ()):
        directory = volumes.get(volume["name"])
        if "emptyDir" not in volume or not isinstance(directory, Directory):
            continue
        limit = volume["emptyDir"].get("sizeLimit")
        if limit and directory.usage() > quantity.parse(limit) > 0:
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
        total += directory.usage()
    limits = {
        container["name"]: limit
        for container in worker.pod["spec"]["containers"]
        if (limit := (container.get("resources", {}).get("limits") or {}).get("ephemeral-storage"))
    }
    used = {run.name: run.container.fs.usage() for run in _running(worker)}
    allowed = sum(map(quantity.parse, limits.values()))
    if limits and total + sum(used.values()) > allowed:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {quantity.format(allowed, 'binary')}. "
    for name, limit in limits.items():
        if used.get(name, 0) > quantity.parse(limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""
