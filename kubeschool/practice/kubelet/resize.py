"""In-place resize of a pod's CPU and memory
(`pkg/kubelet/allocation/allocation_manager.go`, `kuberuntime_manager.go` computePodResizeAction).

The pod's spec says what is wanted; what the node has granted is the allocation, and only that reaches containers and status.
"""
from typing import TYPE_CHECKING

import orjson

from ..apiserver import quantity
from ..component_helpers import amounts, pod_requests
from .status import is_sidecar

if TYPE_CHECKING:
    from .pod_worker import PodWorker
    from .runs import Run

RESOURCES = ("cpu", "memory")

Allocation = dict[str, dict]
"""Resources by container."""


def resizable(pod: dict) -> list[dict]:
    return [c for c in pod["spec"].get("initContainers", ()) if is_sidecar(c)] + pod["spec"]["containers"]


def wanted(pod: dict) -> Allocation:
    return {c["name"]: {k: c["resources"][k] for k in ("limits", "requests") if c.get("resources", {}).get(k)} for c in resizable(pod)}


def granted(pod: dict) -> Allocation:
    """The allocation as the status remembers it through a restart of the kubelet."""
    status = pod.get("status", {})
    statuses = {s["name"]: s for key in ("initContainerStatuses", "containerStatuses") for s in status.get(key, ())}
    return {name: statuses.get(name, {}).get("resources", resources) for name, resources in wanted(pod).items()}


def with_allocation(pod: dict, allocation: Allocation) -> dict:
    """The pod as if it asked for what it has."""
    kinds = {
        kind: [{**c, "resources": allocation.get(c["name"], c.get("resources", {}))} for c in pod["spec"][kind]]
        for kind in ("initContainers", "containers")
        if pod["spec"].get(kind)
    }
    return {**pod, "spec": {**pod["spec"], **kinds}}


def no_room(pod: dict, others: list[dict], allocatable: dict) -> tuple[str, str] | None:
    """(Infeasible | Deferred, why) when the node cannot give the pod what it wants."""
    free, used = amounts(allocatable), {}
    for other in others:
        for resource, amount in pod_requests(other).items():
            used[resource] = used.get(resource, 0) + amount
    for resource, amount in pod_requests(pod).items():
        if resource not in RESOURCES:
            continue
        capacity = free.get(resource, 0)
        if amount > capacity:
            return "Infeasible", f"Node didn't have enough capacity: {resource}, requested: {amount}, capacity: {capacity}"
        if amount + used.get(resource, 0) > capacity:
            taken = used.get(resource, 0)
            return "Deferred", f"Node didn't have enough resource: {resource}, requested: {amount}, used: {taken}, capacity: {capacity}"
    return None


def words(pod: dict, allocation: Allocation, error: str = "") -> str:
    """The JSON that ends the kubelet's events about a resize."""
    told: dict = {}
    for kind in ("initContainers", "containers"):
        names = [c["name"] for c in pod["spec"].get(kind, ()) if c["name"] in allocation]
        if names:
            told[kind] = [{"name": name, "resources": allocation[name]} for name in names]
    told["generation"] = pod["metadata"].get("generation", 0)
    return orjson.dumps({**told, "error": error} if error else told).decode()


def allocate(worker: "PodWorker") -> None:
    """Grant what the pod wants, if the node has it."""
    pod, seen = worker.pod, worker.seen
    if wanted(pod) == seen.allocation:
        seen.resize_pending = None
        return
    others = [with_allocation(w.pod, w.seen.allocation) for w in worker.kubelet.workers.values() if w is not worker and not w.ending]
    pending = no_room(pod, others, worker.kubelet.allocatable)
    if pending and pending != seen.resize_pending:
        reason, why = pending
        worker.event("Warning", f"Resize{reason}", f"Pod resize {reason}: {words(pod, wanted(pod), why)}")
    seen.resize_pending = pending
    if not pending:
        seen.allocation, seen.resizing = wanted(pod), True
        worker.event("Normal", "ResizeStarted", f"Pod resize started: {words(pod, seen.allocation)}")


def finish(worker: "PodWorker") -> None:
    """All containers have what was granted."""
    if worker.seen.resizing:
        worker.seen.resizing = False
        worker.event("Normal", "ResizeCompleted", f"Pod resize completed: {words(worker.pod, worker.seen.allocation)}")


def limits_of(resources: dict) -> tuple[float | None, int | None]:
    """(cores, bytes) a container may use."""
    limits = resources.get("limits") or {}
    cpu, memory = limits.get("cpu"), limits.get("memory")
    return float(quantity.parse(cpu)) if cpu else None, int(quantity.parse(memory)) if memory else None


def needs_restart(container: dict, run: "Run", resources: dict) -> bool:
    """Give a running container its new limits; True when its resizePolicy wants a restart for that."""
    config = run.container.config
    new, old = limits_of(resources), (config.cpu_limit, config.memory_limit)
    policies = {policy["resourceName"]: policy["restartPolicy"] for policy in container.get("resizePolicy", ())}
    changed = [name for name, was, now in zip(RESOURCES, old, new, strict=True) if was != now]
    if any(policies.get(name) == "RestartContainer" for name in changed):
        return True
    if changed:
        config.cpu_limit, config.memory_limit = new
        run.container.processes.memory_limit = new[1]
        run.container.processes.check_memory()
    return False
