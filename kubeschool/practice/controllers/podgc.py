"""Removes pods nothing will ever finish: of nodes that are gone, finished ones beyond a limit, unscheduled ones being deleted
(`pkg/controller/podgc/gc_controller.go`)."""

from ..clock import timestamp
from ..component import Controller
from ..component_helpers import is_node_ready, is_pod_terminal
from ..informer import key_of
from .utils import ignore_gone

PERIOD = 20.0
QUARANTINE = 40.0
"""Seconds a node must be missing before its pods go."""
TERMINATED_THRESHOLD = 12500
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGCController(Controller):
    name = "pod-garbage-collector"

    def setup(self) -> None:
        self.informers["pods"]
        self.informers["nodes"]
        self.missing: dict[str, float] = {}
        self.queue.add("all")

    async def reconcile(self, key: str) -> None:
        self.queue.add_after(key, PERIOD)
        pods = self.informers["pods"].list()
        nodes = self.informers["nodes"]
        finished = sorted((p for p in pods if is_pod_terminal(p)), key=lambda p: p["metadata"]["creationTimestamp"])
        for pod in finished[: max(len(finished) - TERMINATED_THRESHOLD, 0)]:
            self._remove(pod)
        names = {p["spec"]["nodeName"] for p in pods if p["spec"].get("nodeName")}
        gone = {n for n in names if not nodes.get("", n)}
        self.missing = {n: self.missing.get(n, 0.0) + PERIOD for n in gone}
        for pod in pods:
            node = pod["spec"].get("nodeName", "")
            if self.missing.get(node, 0.0) > QUARANTINE:
                self._remove(pod, "PodGC: node no longer exists")
            elif (not node and "deletionTimestamp" in pod["metadata"]) or (
                "deletionTimestamp" in pod["metadata"] and _out_of_service(nodes.get("", node))
            ):
                self._remove(pod)

    def _remove(self, pod: dict, why: str = "") -> None:
        namespace, name = key_of(pod)
        if not is_pod_terminal(pod):
            status: dict = {"phase": "Failed"}
            if why:
                target = {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByPodGC",
                    "message": why,
                    "lastTransitionTime": timestamp(),
                }
                status["conditions"] = [target]
            ignore_gone(self.client.patch, "pods", namespace, name, {"status": status}, "strategic", "status")
        ignore_gone(self.client.delete, "pods", namespace, name, grace=0)


def _out_of_service(node: dict | None) -> bool:
    return node is not None and not is_node_ready(node) and any(t["key"] == OUT_OF_SERVICE for t in node["spec"].get("taints") or ())
