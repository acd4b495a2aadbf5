"""A control plane without HTTP: the real store, registry and kinds, and nodes whose pods run at once."""

import asyncio
import itertools
from collections.abc import Callable

from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.registry import Registry
from kubeschool.practice.apiserver.resources import RESOURCES
from kubeschool.practice.apiserver.user import User
from kubeschool.practice.client import Client
from kubeschool.practice.clock import Clock, timestamp
from kubeschool.practice.component import Component
from kubeschool.practice.component_helpers import is_pod_terminal, with_condition
from kubeschool.practice.store import Store

MASTERS = ("system:masters",)


class Nodes(Component):
    """Every node's kubelet in short: a pod that is bound runs and is ready (annotation test/ready: "false" keeps it unready),
    one that is deleted goes."""

    name = "kubelet"
    addresses = itertools.count(2)

    async def run(self) -> None:
        self.informers["pods"].on_change(self._on_pod)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        if new and new["spec"].get("nodeName"):
            asyncio.get_running_loop().call_soon(self._sync, new["metadata"]["namespace"], new["metadata"]["name"])

    def _sync(self, namespace: str, name: str) -> None:
        try:
            pod = self.client.get("pods", namespace, name)
            if "deletionTimestamp" in pod["metadata"]:
                if not is_pod_terminal(pod):
                    self.client.patch("pods", namespace, name, {"status": {"phase": "Failed"}}, "merge", "status")
                self.client.delete("pods", namespace, name, grace=0)
            elif not is_pod_terminal(pod):
                self._run(pod)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    def _run(self, pod: dict) -> None:
        meta, status = pod["metadata"], pod.get("status") or {}
        ready = "False" if (meta.get("annotations") or {}).get("test/ready") == "false" else "True"
        wanted = {"phase": "Running", "podIP": status.get("podIP") or f"10.244.{(n := next(self.addresses)) >> 8}.{n & 255}"}
        wanted["startTime"] = status.get("startTime") or timestamp()
        conditions = with_condition(status.get("conditions") or [], {"type": "Ready", "status": ready})
        if {**status, **wanted, "conditions": conditions} != status:
            patch = {"status": {**wanted, "conditions": [c for c in conditions if c["type"] == "Ready"]}}
            self.client.patch("pods", meta["namespace"], meta["name"], patch, "strategic", "status")


class ControlPlane:
    def __init__(self, speed: float = 1000.0):
        self.clock = Clock(speed)
        self.store = Store(":memory:")
        self.registry = Registry(self.store, RESOURCES, lambda *_: None, authorizer=None, tokens=None)
        self.client = self.client_for("admin")
        self.components: list[Component] = []
        self.namespace("default")

    def client_for(self, name: str) -> Client:
        return Client(self.registry, User(name, MASTERS), name)

    async def start(self, *kinds: type[Component]) -> list[Component]:
        started = [kind(self.client_for(kind.name), self.clock) for kind in kinds]
        for component in started:
            await component.start()
            self.components.append(component)
        return started

    async def stop(self) -> None:
        for component in self.components:
            await component.stop()
        self.store.close()

    # -- objects -------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> dict:
        return self.client.create("namespaces", {"metadata": {"name": name}})

    def node(self, name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110", labels: dict | None = None, **spec) -> dict:
        resources = {"cpu": cpu, "memory": memory, "pods": pods}
        node = {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}, "spec": spec}
        self.client.create("nodes", node)
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": timestamp(), "lastTransitionTime": timestamp()}
        status = {"capacity": resources, "allocatable": resources, "conditions": [ready]}
        return self.client.patch("nodes", "", name, {"status": status}, "merge", "status")

    def pod(self, name: str, namespace: str = "default", labels: dict | None = None, cpu: str = "", **spec) -> dict:
        container = {"name": "c", "image": "nginx"} | ({"resources": {"requests": {"cpu": cpu}}} if cpu else {})
        return self.client.create(
            "pods",
            {"metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, "spec": {"containers": [container], **spec}},
        )

    def get(self, resource: str, name: str, namespace: str = "default") -> dict | None:
        try:
            return self.client.get(resource, namespace, name)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def objects(self, resource: str, labels: str = "") -> list[dict]:
        return self.client.list(resource, labels=labels)

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """(reason, message) of the events about objects with this name, or of all."""
        found = [e for e in self.client.list("events") if not name or e["involvedObject"]["name"] == name]
        return [(e["reason"], e["message"]) for e in sorted(found, key=lambda e: int(e["metadata"]["resourceVersion"]))]

    async def until(self, condition: Callable[[], object], seconds: float = 30.0):
        """What `condition` answers once it is true; looks again after every round of the event loop's other work."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not (answer := condition()):
            assert loop.time() < end, "waited too long"
            await asyncio.sleep(0.001)
        return answer

    async def settled(self, rounds: int = 20) -> None:
        """Until nothing has been written for some rounds of the event loop."""
        quiet, revision, end = 0, -1, asyncio.get_running_loop().time() + 30
        while quiet < rounds:
            assert asyncio.get_running_loop().time() < end, "never settles"
            quiet, revision = (quiet + 1, revision) if revision == self.store.revision else (0, self.store.revision)
            await asyncio.sleep(0.001)
