"""The scheduler's picture of the cluster (`pkg/scheduler/backend/cache`, `framework/types.go`): nodes, what runs on them, and what was
just placed and not yet confirmed by the API (assumed)."""

from collections import Counter, OrderedDict

from ..apiserver import selectors
from ..component_helpers import Amounts, amounts, is_pod_terminal, pod_requests
from ..informer import key_of

MISSING_REQUESTS = {"cpu": 100, "memory": 200 * 1024 * 1024}
"""What a container without requests counts for when nodes are scored (`pkg/scheduler/util/pod_resources.go`)."""

COUNTS_KEPT = 32

Port = tuple[str, str, int]
"""(host IP, protocol, host port)"""


class PodInfo:
    """A pod with what filters and scores read often."""

    __slots__ = ("anti_affinity", "key", "labels", "namespace", "nonzero", "pod", "ports", "priority", "requests", "uid")

    def __init__(self, pod: dict):
        meta, spec = pod["metadata"], pod["spec"]
        self.pod, self.key, self.uid = pod, key_of(pod), meta["uid"]
        self.namespace, self.labels = meta["namespace"], meta.get("labels") or {}
        self.priority: int = spec.get("priority") or 0
        self.requests = pod_requests(pod)
        self.nonzero = pod_requests(pod, MISSING_REQUESTS)
        self.ports: list[Port] = [
            (p.get("hostIP") or "0.0.0.0", p.get("protocol") or "TCP", p["hostPort"])
            for c in spec["containers"]
            for p in c.get("ports") or ()
            if p.get("hostPort")
        ]
        self.anti_affinity: list[dict] = self.affinity_terms("podAntiAffinity")

    def affinity_terms(self, kind: str) -> list[dict]:
        """Required terms of podAffinity or podAntiAffinity."""
        return ((self.pod["spec"].get("affinity") or {}).get(kind) or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or []

    def preferred_terms(self, kind: str) -> list[dict]:
        """Weighted terms of podAffinity or podAntiAffinity."""
        return ((self.pod["spec"].get("affinity") or {}).get(kind) or {}).get("preferredDuringSchedulingIgnoredDuringExecution") or []

    @property
    def has_affinity(self) -> bool:
        affinity = self.pod["spec"].get("affinity") or {}
        return bool(affinity.get("podAffinity") or affinity.get("podAntiAffinity"))

    @property
    def terminating(self) -> bool:
        return "deletionTimestamp" in self.pod["metadata"]


class NodeInfo:
    """A node and the pods on it. `node` is None while pods are known to be on it but the node is not."""

    __slots__ = (
        "allocatable",
        "images",
        "labels",
        "name",
        "node",
        "nonzero",
        "pods",
        "ports",
        "requested",
        "taints",
        "with_affinity",
        "with_anti_affinity",
    )

    def __init__(self, name: str):
        self.name = name
        self.node: dict | None = None
        self.labels: dict[str, str] = {}
        self.taints: list[dict] = []
        self.allocatable: Amounts = {}
        self.images: dict[str, int] = {}
        self.pods: dict[tuple, PodInfo] = {}
        self.with_affinity: dict[tuple, PodInfo] = {}
        self.with_anti_affinity: dict[tuple, PodInfo] = {}
        self.requested: Amounts = {}
        self.nonzero: Amounts = {"cpu": 0, "memory": 0}
        self.ports: Counter[Port] = Counter()

    def set_node(self, node: dict) -> None:
        status = node.get("status") or {}
        self.node = node
        self.labels = node["metadata"].get("labels") or {}
        self.taints = node["spec"].get("taints") or []
        self.allocatable = amounts(status.get("allocatable"))
        self.images = {name: image.get("sizeBytes", 0) for image in status.get("images") or () for name in image.get("names") or ()}

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.key] = pod
        if pod.has_affinity:
            self.with_affinity[pod.key] = pod
        if pod.anti_affinity:
            self.with_anti_affinity[pod.key] = pod
        self._count(pod, 1)

    def remove(self, pod: PodInfo) -> None:
        pod = self.pods.pop(pod.key)
        self.with_affinity.pop(pod.key, None)
        self.with_anti_affinity.pop(pod.key, None)
        self._count(pod, -1)

    def clone(self) -> "NodeInfo":
        other = NodeInfo(self.name)
        other.node, other.labels, other.taints, other.allocatable, other.images = (
            self.node, self.labels, self.taints, self.allocatable, self.images
        )
        for pod in self.pods.values():
            other.add(pod)
        return other

    def _count(self, pod: PodInfo, sign: int) -> None:
        for name, value in pod.requests.items():
            self.requested[name] = self.requested.get(name, 0) + sign * value
        for name in self.nonzero:
            self.nonzero[name] += sign * pod.nonzero.get(name, 0)
        for port in pod.ports:
            self.ports[port] += sign


class _Count:
    """How many pods on each node match, kept up to date as pods come and go."""

    def __init__(self, namespaces: frozenset[str] | None, requirements: tuple | None, terminating: bool):
        self.namespaces, self.requirements, self.terminating = namespaces, requirements, terminating
        self.by_node: Counter[str] = Counter()

    def change(self, pod: PodInfo, node: str, by: int) -> None:
        if self.namespaces is not None and pod.namespace not in self.namespaces:
            return
        if (self.terminating or not pod.terminating) and selectors.matches(self.requirements, pod.labels):
            self.by_node[node] += by


class Cache:
    def __init__(self) -> None:
        self._infos: dict[str, NodeInfo] = {}
        self.nodes: dict[str, NodeInfo] = {}
        self.nominated: dict[str, dict[tuple, PodInfo]] = {}
        self._placed: dict[tuple, tuple[PodInfo, str]] = {}
        self._counts: OrderedDict[tuple, _Count] = OrderedDict()

    # -- what informers report -----------------------------------------------------------------------------

    def on_node(self, old: dict | None, new: dict | None) -> None:
        name = (new or old)["metadata"]["name"]
        if new:
            info = self.nodes[name] = self._info(name)
            info.set_node(new)
        elif self.nodes.pop(name, None):
            self._infos[name].node = None
            self._tidy(name)

    def on_pod(self, old: dict | None, new: dict | None) -> None:
        key = key_of(new or old)
        if new and not is_pod_terminal(new):
            if node := new["spec"].get("nodeName"):
                self._remove(key)
                self._add(PodInfo(new), node)
        else:
            self._remove(key)

    # -- what the scheduler decides --------------------------------------------------------------------------

    def assume(self, pod: PodInfo, node: str) -> None:
        self._add(pod, node)

    def forget(self, pod: PodInfo) -> None:
        self._remove(pod.key)

    def is_placed(self, key: tuple) -> bool:
        return key in self._placed

    def nominate(self, pod: PodInfo, node: str) -> None:
        """Remember that `pod` waits for room on `node` (preemption)."""
        self.unnominate(pod.key)
        self.nominated.setdefault(node, {})[pod.key] = pod

    def unnominate(self, key: tuple) -> None:
        for node, pods in list(self.nominated.items()):
            if pods.pop(key, None) and not pods:
                del self.nominated[node]

    def matching(
        self, namespaces: frozenset[str] | None, requirements: list[selectors.Requirement] | None, terminating: bool = True
    ) -> Counter[str]:
        """Matching pods by node name; `namespaces` None means all, `terminating` whether pods being deleted count."""
        key = (namespaces, None if requirements is None else tuple(requirements), terminating)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(*key)
            for pod, node in self._placed.values():
                count.change(pod, node, 1)
            if len(self._counts) > COUNTS_KEPT:
                self._counts.popitem(last=False)
        self._counts.move_to_end(key)
        return count.by_node

    def _info(self, name: str) -> NodeInfo:
        return self._infos.setdefault(name, NodeInfo(name))

    def _add(self, pod: PodInfo, node: str) -> None:
        self._info(node).add(pod)
        self._placed[pod.key] = (pod, node)
        for count in self._counts.values():
            count.change(pod, node, 1)

    def _remove(self, key: tuple) -> None:
        if key not in self._placed:
            return
        pod, node = self._placed.pop(key)
        self._infos[node].remove(pod)
        for count in self._counts.values():
            count.change(pod, node, -1)
        self._tidy(node)

    def _tidy(self, name: str) -> None:
        if self._infos[name].node is None and not self._infos[name].pods:
            del self._infos[name]
