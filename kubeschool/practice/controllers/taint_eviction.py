"""Evicts pods from nodes with NoExecute taints when their tolerations end (`pkg/controller/tainteviction/taint_eviction.go`)."""

import asyncio
from collections import defaultdict

from ..clock import timestamp
from ..component import Controller
from ..component_helpers import tolerates
from ..informer import key_of
from .utils import ignore_gone


class TaintEvictionController(Controller):
    name = "taint-eviction-controller"

    def setup(self) -> None:
        self.deadlines: dict[tuple[str, str], tuple[str, float, float]] = {}
        """Pods to evict: (uid, event loop time when it was decided, when it is due)."""
        self.pods_on: dict[str, set[tuple]] = defaultdict(set)
        self.informers["pods"].on_change(self._on_pod)
        self.informers["nodes"].on_change(self._on_node)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        key = key_of(new or old)
        if new is None:
            self.pods_on[old["spec"].get("nodeName", "")].discard(key)
            self.queue.add(key)
        elif node := new["spec"].get("nodeName"):
            self.pods_on[node].add(key)
            if old is None or not old["spec"].get("nodeName") or old["spec"].get("tolerations") != new["spec"].get("tolerations"):
                self.queue.add(key)

    def _on_node(self, old: dict | None, new: dict | None) -> None:
        if _no_execute(old) != _no_execute(new):
            for key in self.pods_on[(new or old)["metadata"]["name"]]:
                self.queue.add(key)

    async def reconcile(self, key: tuple[str, str]) -> None:
        pod = self.informers["pods"].get(*key)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            self.deadlines.pop(key, None)
            return
        wait = self._toleration_seconds(pod)
        now, uid = asyncio.get_running_loop().time(), pod["metadata"]["uid"]
        known = self.deadlines.get(key)
        if known and known[0] != uid:
            known = None
        if wait is None:
            if known:
                del self.deadlines[key]
                self.events.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key[0]}/{key[1]}")
            return
        since = known[1] if known else now
        due = since + self.clock.real(wait)
        if now < due:
            self.deadlines[key] = (uid, since, due)
            self.queue.add_after(key, (due - now) * self.clock.speed)
            return
        self.deadlines.pop(key, None)
        self._evict(pod)

    def _toleration_seconds(self, pod: dict) -> float | None:
        """How long the pod may stay; 0 not at all, None for ever."""
        node = self.informers["nodes"].get("", pod["spec"].get("nodeName", ""))
        taints = _no_execute(node)
        tolerations = pod["spec"].get("tolerations") or []
        used = []
        for taint in taints:
            matching = [t for t in tolerations if tolerates(t, taint)]
            if not matching:
                return 0
            used += matching
        limits = [max(t["tolerationSeconds"], 0) for t in used if t.get("tolerationSeconds") is not None]
        return min(limits) if limits else None

    def _evict(self, pod: dict) -> None:
        meta = pod["metadata"]
        name = f"{meta['namespace']}/{meta['name']}"
        self.events.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {name}")
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": timestamp(),
        }
        if ignore_gone(
            self.client.patch, "pods", meta["namespace"], meta["name"], {"status": {"conditions": [target]}}, "strategic", "status"
        ):
            ignore_gone(self.client.delete, "pods", meta["namespace"], meta["name"], uid=meta["uid"])


def _no_execute(node: dict | None) -> list[dict]:
    return [t for t in ((node or {"spec": {}})["spec"].get("taints") or ()) if t["effect"] == "NoExecute"]
