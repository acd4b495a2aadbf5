"""Watches the nodes' leases; a node that stops renewing is marked Unknown, tainted, and its pods not ready
(`pkg/controller/nodelifecycle/node_lifecycle_controller.go`). The pods are evicted by taint_eviction.py."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from ..clock import timestamp
from ..component import Controller
from ..component_helpers import condition, is_node_ready, is_pod_ready, with_condition
from ..deep_copy import deep_copy
from .utils import ignore_gone

MONITOR_PERIOD = 5.0
GRACE_PERIOD = 50.0
"""Seconds without a sign of life until a node is Unknown."""
STARTUP_GRACE_PERIOD = 60.0
"""The same for a node that never gave one."""
UNHEALTHY_ZONE = 0.55
LARGE_CLUSTER = 50
EVICTION_INTERVAL = 10.0
"""Seconds between two nodes of a zone that get the NoExecute taint (--node-eviction-rate 0.1)."""

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
PRESSURE = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass
class Health:
    """What was last seen of a node, and when (event loop time)."""

    heartbeat: str
    at: float


class NodeLifecycleController(Controller):
    """One key: every look is at all nodes, since what may be done to one depends on how its zone does."""

    name = "node-controller"

    def setup(self) -> None:
        self.health: dict[str, Health] = {}
        self.evicted_at: dict[str, float] = defaultdict(lambda: float("-inf"))
        self.nodes, self.leases = self.informers["nodes"], self.informers["leases.coordination.k8s.io"]
        self.pods_on: dict[str, dict[tuple, dict]] = defaultdict(dict)
        self.nodes.on_change(self._on_node)
        self.informers["pods"].on_change(self._on_pod)
        self.queue.add("nodes")

    def _on_node(self, old: dict | None, new: dict | None) -> None:
        name = (new or old)["metadata"]["name"]
        if new is None:
            self.health.pop(name, None)
            self.events.event(old, "Normal", "RemovingNode", f"Node {name} event: Removing Node {name} from Controller")
            return
        if old is None:
            self.events.event(new, "Normal", "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
        self.queue.add("nodes")

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        for pod, there in ((old, False), (new, True)):
            if pod and (node := pod["spec"].get("nodeName")):
                key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
                if there:
                    self.pods_on[node][key] = pod
                else:
                    self.pods_on[node].pop(key, None)

    async def reconcile(self, key: str) -> None:
        self.queue.add_after(key, MONITOR_PERIOD)
        nodes = [self._mark_unknown(n) if self._silent_for(n) > self._grace(n) else n for n in self.nodes.list()]
        zones: dict[str, list[dict]] = defaultdict(list)
        for node in nodes:
            zones[_zone(node)].append(node)
        disrupted = not any(map(is_node_ready, nodes))
        for node in nodes:
            if not is_node_ready(node):
                self._mark_pods_not_ready(node)
            self._set_taints(node, zones[_zone(node)], disrupted)

    def _silent_for(self, node: dict) -> float:
        """Cluster seconds since the node last renewed its lease or posted its status."""
        name, now = node["metadata"]["name"], asyncio.get_running_loop().time()
        lease = self.leases.get("kube-node-lease", name)
        ready = condition(node, "Ready") or {}
        signs = (
            ((lease or {}).get("spec") or {}).get("renewTime"),
            ready.get("lastHeartbeatTime") if ready.get("status") != "Unknown" else None,
        )
        seen = repr(signs)
        if name not in self.health or self.health[name].heartbeat != seen:
            self.health[name] = Health(seen, now)
        return (now - self.health[name].at) * self.clock.speed

    def _grace(self, node: dict) -> float:
        return GRACE_PERIOD if condition(node, "Ready") else STARTUP_GRACE_PERIOD

    def _mark_unknown(self, node: dict) -> dict:
        changed = deep_copy(node)
        status = changed.setdefault("status", {})
        was_ready = condition(node, "Ready")
        for type_ in CONDITIONS:
            found = condition(changed, type_)
            if found and found["status"] == "Unknown":
                continue
            new = {
                "type": type_,
                "status": "Unknown",
                "lastHeartbeatTime": found["lastHeartbeatTime"] if found else changed["metadata"]["creationTimestamp"],
                "reason": "NodeStatusUnknown" if found else "NodeStatusNeverUpdated",
                "message": "Kubelet stopped posting node status." if found else "Kubelet never posted node status.",
            }
            status["conditions"] = with_condition(status.get("conditions") or (), new)
        if status == node.get("status"):
            return node
        updated = self.client.update("nodes", changed, "status")
        if was_ready and was_ready["status"] == "True":
            name = node["metadata"]["name"]
            self.events.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return updated

    def _mark_pods_not_ready(self, node: dict) -> None:
        """`controller_utils.go` MarkPodsNotReady."""
        for pod in list(self.pods_on[node["metadata"]["name"]].values()):
            if not is_pod_ready(pod):
                continue
            meta = pod["metadata"]
            change = {"type": "Ready", "status": "False", "lastTransitionTime": timestamp()}
            if ignore_gone(
                self.client.patch, "pods", meta["namespace"], meta["name"], {"status": {"conditions": [change]}}, "strategic", "status"
            ):
                self.events.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    def _set_taints(self, node: dict, zone: list[dict], disrupted: bool) -> None:
        """Taints follow conditions: NoSchedule at once, NoExecute at the zone's eviction rate, and not when no node at all is well."""
        ready = (condition(node, "Ready") or {"status": "Unknown"})["status"]
        wanted: dict[tuple[str, str], None] = {}
        if ready != "True":
            wanted[NOT_READY if ready == "False" else UNREACHABLE, "NoSchedule"] = None
        for type_, key in PRESSURE.items():
            if (condition(node, type_) or {}).get("status") == "True":
                wanted[key, "NoSchedule"] = None
        if node["spec"].get("unschedulable"):
            wanted[UNSCHEDULABLE, "NoSchedule"] = None
        taints = node["spec"].get("taints") or []
        now_evicting = {(t["key"], t["effect"]) for t in taints if t["effect"] == "NoExecute"}
        if ready != "True" and not disrupted:
            evict = (NOT_READY if ready == "False" else UNREACHABLE, "NoExecute")
            if now_evicting & {(NOT_READY, "NoExecute"), (UNREACHABLE, "NoExecute")} or self._may_evict(zone):
                wanted[evict] = None
        ours = {(k, e) for k in (NOT_READY, UNREACHABLE) for e in ("NoSchedule", "NoExecute")}
        ours |= {(k, "NoSchedule") for k in (*PRESSURE.values(), UNSCHEDULABLE)}
        kept = [t for t in taints if (t["key"], t["effect"]) not in ours or (t["key"], t["effect"]) in wanted]
        there = {(t["key"], t["effect"]) for t in kept}
        added = [{"key": k, "effect": e, "timeAdded": timestamp()} for k, e in wanted if (k, e) not in there]
        if added or len(kept) != len(taints):
            changed = deep_copy(node)
            changed["spec"]["taints"] = [*kept, *added]
            ignore_gone(self.client.update, "nodes", changed)

    def _may_evict(self, zone: list[dict]) -> bool:
        """One node of a zone at a time; slower, or not at all when the zone is small, while most of it is down."""
        down = sum(not is_node_ready(n) for n in zone)
        interval = EVICTION_INTERVAL
        if 2 < down < len(zone) and down / len(zone) >= UNHEALTHY_ZONE:
            if len(zone) <= LARGE_CLUSTER:
                return False
            interval *= 10
        name, now = _zone(zone[0]), asyncio.get_running_loop().time()
        if now - self.evicted_at[name] < self.clock.real(interval):
            return False
        self.evicted_at[name] = now
        return True


def _zone(node: dict) -> str:
    labels = node["metadata"].get("labels") or {}
    return f"{labels.get('topology.kubernetes.io/region', '')}:{labels.get('topology.kubernetes.io/zone', '')}"
