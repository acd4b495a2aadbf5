"""The metrics server: asks every kubelet what containers use, and serves metrics.k8s.io behind the API server
(`kubernetes-sigs/metrics-server/pkg/{scraper,storage,api}`). A cluster without one has no `kubectl top` and no autoscaling by CPU.

CPU use is the difference of two counters, so a value needs two looks, or a container's start and one look.
"""
import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .apiserver.errors import ApiError
from .apiserver.resource import Resource
from .client import Client
from .clock import Clock, timestamp
from .component import Component
from .kubelet.server import KubeletServer
from .kubelet.usage import ContainerUsage

RESOLUTION = 15
"""Cluster seconds between two looks (--metric-resolution)."""
FRESH = 10
"""How old, in cluster seconds, a container must be for one look to tell its use (freshContainerMinMetricsResolution)."""


@dataclass
class Measured:
    """`cpu` in cores, averaged over `window` cluster seconds; `memory` in bytes."""

    cpu: float
    memory: int
    window: float

    def usage(self) -> dict:
        return {"cpu": f"{round(self.cpu * 1e9)}n" if self.cpu else "0", "memory": f"{self.memory >> 10}Ki"}


@dataclass
class Node:
    """A node's last look: when (a timestamp, and in cluster seconds), every container's counters, and what they say."""

    at: str
    seconds: float
    containers: dict[str, ContainerUsage]
    measured: dict[tuple[str, str], dict[str, Measured]] = field(default_factory=dict)
    """Of the containers by name, by pod; a pod with a container whose use is not known yet is left out."""


class MetricsServer(Component):
    """`kubelet_of` finds the KubeletServer of a node by name, None where there is none."""

    name = "metrics-server"

    def __init__(self, client: Client, clock: Clock, kubelet_of: Callable[[str], KubeletServer | None]):
        super().__init__(client, clock)
        self._kubelet_of = kubelet_of
        self._nodes: dict[str, Node] = {}

    async def run(self) -> None:
        self._nodes = {}
        for resource in ("nodes", "pods"):
            await self.informers[resource].synced()
        while True:
            names = [name for _, name in self.informers["nodes"].objects]
            self._nodes = {name: node for name, node in self._nodes.items() if name in names}
            for name in names:
                if kubelet := self._kubelet_of(name):
                    self._nodes[name] = self._look(self._nodes.get(name), kubelet.usage())
                else:
                    self._nodes.pop(name, None)
                    self.log.error('"Failed to scrape node" node="%s"', name)
                await asyncio.sleep(0)
            await self.clock.sleep(RESOLUTION)

    def serve(self, resource: Resource) -> list[dict]:
        """The objects of nodes.metrics.k8s.io or pods.metrics.k8s.io. Raises ApiError 503 when the server is switched off."""
        if not self.running:
            words = f"the server is currently unable to handle the request (get {resource.name})"
            raise ApiError(503, "ServiceUnavailable", words)
        return list(self._node_metrics() if resource.plural == "nodes" else self._pod_metrics())

    def _look(self, before: Node | None, containers: Iterable[ContainerUsage]) -> Node:
        at = asyncio.get_running_loop().time() * self.clock.speed
        node = Node(timestamp(), at, {c.id: c for c in containers})
        unknown = set()
        for now in node.containers.values():
            earlier = before and before.containers.get(now.id)
            pod = (now.namespace, now.pod)
            if earlier:
                since, used = at - before.seconds, now.cpu - earlier.cpu
            elif FRESH <= now.age < FRESH + RESOLUTION:
                since, used = now.age, now.cpu
            else:
                unknown.add(pod)
                continue
            node.measured.setdefault(pod, {})[now.container] = Measured(max(used, 0.0) / since, now.memory, since)
        for pod in unknown:
            node.measured.pop(pod, None)
        return node

    def _pod_metrics(self) -> Iterable[dict]:
        for node in self._nodes.values():
            for pod, containers in node.measured.items():
                if found := self.informers["pods"].get(*pod):
                    shown = [{"name": name, "usage": measured.usage()} for name, measured in containers.items()]
                    window = max(measured.window for measured in containers.values())
                    yield self._metrics("PodMetrics", found, node, window) | {"containers": shown}

    def _node_metrics(self) -> Iterable[dict]:
        for name, node in self._nodes.items():
            containers = [measured for pod in node.measured.values() for measured in pod.values()]
            if containers and (found := self.informers["nodes"].get("", name)):
                whole = Measured(sum(c.cpu for c in containers), sum(c.memory for c in containers), max(c.window for c in containers))
                yield self._metrics("NodeMetrics", found, node, whole.window) | {"usage": whole.usage()}

    def _metrics(self, kind: str, of: dict, node: Node, window: float) -> dict:
        meta = {key: of["metadata"][key] for key in ("name", "namespace", "labels") if key in of["metadata"]}
        return {
            "kind": kind,
            "apiVersion": "metrics.k8s.io/v1beta1",
            "metadata": {**meta, "creationTimestamp": timestamp()},
            "timestamp": node.at,
            "window": f"{window:.3f}s",
        }
