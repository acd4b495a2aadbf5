"""The kubelet: one node's agent (`pkg/kubelet/kubelet.go`).

It registers the node, keeps its Lease and status fresh, and gives every pod bound to the node a worker. Stopped, it leaves the
containers running; started again it finds them in the runtime.
"""
import asyncio
from collections.abc import Iterable

from ..apiserver.errors import ApiError
from ..client import Client
from ..clock import Clock, micro_timestamp, timestamp
from ..component import Component
from ..events import EventRecorder
from ..informer import key_of
from ..runtime.filesystem import Directory
from ..runtime.runtime import Runtime
from . import volumes
from .admission import reject
from .backoff import Backoff
from .eviction import EvictionManager
from .hostports import HostPorts
from .images import ImageManager
from .node import ALLOCATABLE, NODE_DNS, internal_ip, new_node, node_conditions, pod_cidr
from .pod_worker import PodWorker
from .resize import with_allocation
from .server import KubeletServer

LEASE_RENEWAL, LEASE_DURATION = 10, 40
STATUS_REPORT = 300
"""Seconds between two reports of a node's status when nothing has changed (nodeStatusReportFrequency)."""


class Kubelet(Component):
    """`index` numbers the nodes; 0 is the control plane. `taints` are put on the node when it is registered."""

    def __init__(self, client: Client, clock: Clock, runtime: Runtime, node_name: str, index: int, taints: Iterable[dict] = ()):
        self.name = "kubelet"
        super().__init__(client, clock)
        self.runtime, self.node_name, self.index, self.taints = runtime, node_name, index, list(taints)
        self.ip, self.dns, self.allocatable = internal_ip(index), NODE_DNS, ALLOCATABLE
        runtime.pod_cidr, runtime.node_ip = pod_cidr(index), self.ip
        self.disk = Directory()
        """The simulated node's file system."""
        self.server = KubeletServer(self)
        self.host_ports = HostPorts(runtime.network, self.ip)
        self.events = EventRecorder(client, "kubelet", node_name)
        self.workers: dict[str, PodWorker] = {}
        self.backoff, self.images = Backoff(clock), ImageManager(runtime, clock)

    async def connect(self, host: str, port: int) -> tuple:
        """A connection from the node into the pods' network."""
        return await self.runtime.network.connect(self.ip, host, port)

    def services(self) -> list[dict]:
        return self.informers["services"].list()

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod, by its name."""
        return next((w for w in self.workers.values() if key_of(w.pod) == (namespace, name) and not w.gone), None)

    async def run(self) -> None:
        self.workers = {}
        self.backoff, self.images = Backoff(self.clock), ImageManager(self.runtime, self.clock)
        self.eviction = EvictionManager(self)
        node = self._register()
        self.spawn(self._renew_lease(node))
        self.spawn(self._report_status())
        self.spawn(self.eviction.run())
        for resource in ("services", "configmaps", "secrets"):
            await self.informers[resource].synced()
        pods = self.informers.selected("pods", f"spec.nodeName={self.node_name}")
        pods.on_change(self._pod_changed)
        for resource in ("configmaps", "secrets"):
            self.informers[resource].on_change(lambda old, new, resource=resource: self._source_changed(resource, old, new))
        await pods.synced()
        self._clean_up()
        await asyncio.Event().wait()

    # -- pods ----------------------------------------------------------------------------------------------

    def _pod_changed(self, old: dict | None, new: dict | None) -> None:
        worker = self.workers.get(old["metadata"]["uid"]) if old else None
        if worker and (new is None or worker.uid != new["metadata"]["uid"]):
            worker.removed()
        if new is None:
            return
        worker = self.workers.get(new["metadata"]["uid"])
        if worker:
            if not _same_for_kubelet(old, new) or _written_after(worker.pod, new):
                worker.update(new)
        elif self._admit(new):
            worker = self.workers[new["metadata"]["uid"]] = PodWorker(self, new)
            self.spawn(self._work(worker))
            self.eviction.has_pods.set()

    async def _work(self, worker: PodWorker) -> None:
        await worker.run()
        self.workers.pop(worker.uid, None)
        for other in self.workers.values():
            if other.seen.resize_pending:
                other.wake()

    def _admit(self, pod: dict) -> bool:
        """Whether the pod may run here; a pod that may not is Failed (`kubelet.go` rejectPod)."""
        if pod.get("status", {}).get("startTime"):
            return True
        others = [with_allocation(worker.pod, worker.seen.allocation) for worker in self.workers.values() if not worker.ending]
        try:
            node = self.client.get("nodes", "", self.node_name)
            reason, message = reject(pod, others, node) or ("", "")
            if not reason:
                return True
            self.events.event(pod, "Warning", reason, message)
            status = {**pod.get("status", {}), "phase": "Failed", "reason": reason, "message": f"Pod was rejected: {message}"}
            status["startTime"] = timestamp()
            self.client.update("pods", {**pod, "status": status}, subresource="status")
        except ApiError as error:
            self.log.warning("%s: %s", pod["metadata"]["name"], error)
            return error.code != 404
        return False

    def _clean_up(self) -> None:
        """Remove what is left of pods that went away while the kubelet was not there."""
        for sandbox in [s for s in self.runtime.sandboxes.values() if s.uid not in self.workers]:
            self.runtime.remove_sandbox(sandbox)

    def _source_changed(self, resource: str, old: dict | None, new: dict | None) -> None:
        """A ConfigMap or Secret has changed: pods that mount it see it at their next regular sync."""
        if new is None or (old and all(old.get(key) == new.get(key) for key in ("data", "binaryData"))):
            return
        namespace, name = new["metadata"]["namespace"], new["metadata"]["name"]
        for worker in self.workers.values():
            if worker.pod["metadata"]["namespace"] == namespace and (resource, name) in volumes.references(worker.pod):
                worker.refresh_volumes()

    # -- node ----------------------------------------------------------------------------------------------

    def _register(self) -> dict:
        """Create the Node, or report to the one there is."""
        node = new_node(self.node_name, self.index, self.taints)
        self.node_event("Starting", "Starting kubelet.")
        try:
            created = self.client.create("nodes", node)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            created = self.client.get("nodes", "", self.node_name)
            for image in created["status"].get("images", ()):
                self.runtime.load_image(image["names"][-1])
            labels = {**created["metadata"].get("labels", {}), **node["metadata"]["labels"]}
            created = self.client.patch("nodes", None, self.node_name, {"metadata": {"labels": labels}})
        was = {c["type"]: c for c in created.get("status", {}).get("conditions", ())}
        created = self._write_status(created, node["status"])
        for kind, reason in (("MemoryPressure", "NodeHasSufficientMemory"), ("DiskPressure", "NodeHasNoDiskPressure"),
                             ("PIDPressure", "NodeHasSufficientPID"), ("Ready", "NodeReady")):
            if was.get(kind, {}).get("status") != ("True" if kind == "Ready" else "False"):
                self.node_event(reason, f"Node {self.node_name} status is now: {reason}")
        self.node_event("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")
        return created

    def _write_status(self, node: dict, status: dict) -> dict:
        conditions = node_conditions(node.get("status", {}).get("conditions", ()), self.eviction.memory_pressure)
        status = {**node.get("status", {}), **status, "conditions": conditions, "images": self._image_list()}
        return self.client.update("nodes", {**node, "status": status}, subresource="status")

    def _image_list(self) -> list[dict]:
        images = sorted(self.runtime.list_images(), key=lambda image: -image.size)
        return [{"names": [image.repo_digest, image.repo_tag], "sizeBytes": image.size} for image in images[:50]]

    def node_event(self, reason: str, message: str, type_: str = "Normal") -> None:
        node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": self.node_name, "uid": self.node_name}}
        self.events.event(node, type_, reason, message)

    def report_pressure(self, pressure: bool) -> None:
        """The node has run out of memory, or recovered."""
        reason = "NodeHasInsufficientMemory" if pressure else "NodeHasSufficientMemory"
        self.node_event(reason, f"Node {self.node_name} status is now: {reason}")
        try:
            self._write_status(self.client.get("nodes", "", self.node_name), {})
        except ApiError as error:
            self.log.warning("status of %s: %s", self.node_name, error)

    async def _report_status(self) -> None:
        """On the node's condition heartbeat, and soon after the images on it have changed."""
        while True:
            self.images.changed.clear()
            try:
                async with asyncio.timeout(self.clock.real(STATUS_REPORT)):
                    await self.images.changed.wait()
                await self.clock.sleep(LEASE_RENEWAL)
            except TimeoutError:
                pass
            try:
                self._write_status(self.client.get("nodes", "", self.node_name), {})
            except ApiError as error:
                self.log.warning("status of %s: %s", self.node_name, error)

    async def _renew_lease(self, node: dict) -> None:
        """`kube-node-lease/NODE`, by which the control plane knows the node is alive (`component-helpers/apimachinery/lease`)."""
        owner = {"apiVersion": "v1", "kind": "Node", "name": self.node_name, "uid": node["metadata"]["uid"]}
        meta = {"name": self.node_name, "namespace": "kube-node-lease", "ownerReferences": [owner]}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta}
        while True:
            spec = {"holderIdentity": self.node_name, "leaseDurationSeconds": LEASE_DURATION, "renewTime": micro_timestamp()}
            try:
                self.client.patch("leases.coordination.k8s.io", "kube-node-lease", self.node_name, {"spec": spec})
                self._correct_status()
            except ApiError as error:
                try:
                    if error.code != 404:
                        raise
                    self.client.create("leases.coordination.k8s.io", {**lease, "spec": spec})
                except ApiError as failed:
                    self.log.warning("lease of %s: %s", self.node_name, failed)
            await self.clock.sleep(LEASE_RENEWAL)

    def _correct_status(self) -> None:
        """The control plane thought this node was gone: it is not."""
        node = self.client.get("nodes", "", self.node_name)
        if any(c["status"] == "Unknown" for c in node["status"]["conditions"]):
            self._write_status(node, {})


def _written_after(known: dict, new: dict) -> bool:
    """Somebody else wrote the pod's status since the kubelet did: its own is put back (`status_manager.go` needsReconcile)."""
    return int(new["metadata"]["resourceVersion"]) > int(known["metadata"]["resourceVersion"])


def _same_for_kubelet(old: dict, new: dict) -> bool:
    """Whether a change concerns no one but the kubelet that wrote it: spec, labels and others' conditions are as before."""
    ignored = ("resourceVersion", "managedFields")

    def view(pod: dict) -> tuple:
        meta = {k: v for k, v in pod["metadata"].items() if k not in ignored}
        gates = {gate["conditionType"] for gate in pod["spec"].get("readinessGates", ())}
        conditions = [c for c in pod.get("status", {}).get("conditions", ()) if c["type"] in gates]
        return meta, conditions

    return old["spec"] == new["spec"] and view(old) == view(new)
