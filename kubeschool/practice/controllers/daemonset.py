"""DaemonSet: a pod on every node that fits (`pkg/controller/daemon/{daemon_controller,update}.go`, `util/daemonset_util.go`)."""

from collections import defaultdict

from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..component import Controller
from ..component_helpers import is_pod_ready, matches_node_affinity, untolerated_taint
from ..deep_copy import deep_copy
from ..events import EventRecorder
from ..informer import controller_of, key_of
from .history import RESOURCE as REVISIONS
from .history import REVISION_LABEL, History
from .utils import (
    Family,
    PodControl,
    claim,
    elapsed,
    ignore_gone,
    is_namespace_terminating,
    is_pod_available,
    pod_from_template,
    resolve_percent,
    settle,
    slow_start,
)

RESOURCE = "daemonsets.apps"
TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
HOST_NETWORK_TOLERATED = ("node.kubernetes.io/network-unavailable", "NoSchedule")
FAILED_BACKOFF, MAX_FAILED_BACKOFF = 1.0, 900.0


class DaemonSetsController(Controller):
    name = "daemon-set-controller"

    def setup(self) -> None:
        self.events = EventRecorder(self.client, "daemonset-controller")
        self.sets, self.nodes = self.informers[RESOURCE], self.informers["nodes"]
        self.pods = Family(self.informers["pods"])
        self.control = PodControl(self.client, self.events)
        self.history = History(self.client, Family(self.informers[REVISIONS]))
        self.failures: dict[tuple[str, str], int] = defaultdict(int)
        self.sets.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers["pods"].on_change(self._on_pod)
        self.nodes.on_change(self._on_node)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        for pod in (old, new):
            owner = pod and controller_of(pod)
            if owner and owner["kind"] == "DaemonSet":
                self.queue.add_after((pod["metadata"]["namespace"], owner["name"]), settle(self.clock, self.pods.count(owner["uid"])))

    def _on_node(self, old: dict | None, new: dict | None) -> None:
        if old and new and _placement(old) == _placement(new):
            return
        for owner in self.sets.list():
            self.queue.add(key_of(owner))

    async def reconcile(self, key: tuple[str, str]) -> None:
        owner = self.sets.get(*key)
        if owner is None:
            return
        if not owner["spec"]["selector"]:
            self.events.event(owner, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")
            return
        if "deletionTimestamp" in owner["metadata"]:
            return
        selector = selectors.from_label_selector(owner["spec"]["selector"])
        by_node: dict[str, list[dict]] = defaultdict(list)
        for pod in claim(self.client, "pods", owner, selector, self.pods):
            by_node[_node_of(pod)].append(pod)
        revisions = self.history.of(owner)
        current = self.history.current(owner, revisions, REVISION_LABEL)
        hashed = current["metadata"]["labels"][REVISION_LABEL]
        error = await self._manage(owner, by_node, hashed)
        if not error and owner["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._roll(owner, by_node, hashed)
        live = {current["metadata"]["name"]}
        used = {_hash_of(p) for pods in by_node.values() for p in pods}
        live |= {r["metadata"]["name"] for r in revisions if r["metadata"]["labels"].get(REVISION_LABEL) in used}
        self.history.truncate(owner, revisions, live)
        self._write_status(owner, by_node, hashed)
        if error and not is_namespace_terminating(error):
            raise error

    async def _manage(self, owner: dict, by_node: dict[str, list[dict]], hashed: str) -> ApiError | None:
        """A pod where one is missing, none where it may not run, one only where there are more."""
        missing: list[str] = []
        for node in self.nodes.list():
            name, pods = node["metadata"]["name"], by_node.get(node["metadata"]["name"], [])
            should_run, may_stay = should_run_on(owner, node)
            for pod in [p for p in pods if p["status"].get("phase") in ("Failed", "Succeeded") and not _terminating(p)]:
                self._replace_finished(owner, pod, name)
            alive = [p for p in pods if p["status"].get("phase") not in ("Failed", "Succeeded")]
            if should_run and not pods:
                missing.append(name)
            elif not may_stay:
                for pod in alive:
                    self._delete(owner, pod)
            else:
                staying = sorted((p for p in alive if not _terminating(p)), key=lambda p: p["metadata"]["creationTimestamp"])
                for pod in staying[1 + _surge(owner) :]:
                    self._delete(owner, pod)
        for name in set(by_node) - {n["metadata"]["name"] for n in self.nodes.list()}:
            for pod in by_node[name]:
                if name and not pod["spec"].get("nodeName"):
                    self._delete(owner, pod)

        def create(i: int) -> None:
            self.control.create(owner, self._pod(owner, missing[i], hashed))

        _, error = await slow_start(len(missing), create)
        return error

    def _replace_finished(self, owner: dict, pod: dict, node: str) -> None:
        phase = pod["status"]["phase"]
        key = (owner["metadata"]["uid"], node)
        wait = min(FAILED_BACKOFF * 2 ** self.failures[key], MAX_FAILED_BACKOFF)
        ended = pod["metadata"]["creationTimestamp"]
        if phase == "Failed" and self.failures[key] and elapsed(self.clock, ended) < wait:
            self.queue.add_after(key_of(owner), wait)
            return
        self.failures[key] += phase == "Failed"
        verb = "kill" if phase == "Failed" else "delete"
        message = f"Found {phase.lower()} daemon pod {'/'.join(key_of(pod))} on node {node}, will try to {verb} it"
        type_ = "Warning" if phase == "Failed" else "Normal"
        self.events.event(owner, type_, f"{phase}DaemonPod", message)
        self._delete(owner, pod)

    def _roll(self, owner: dict, by_node: dict[str, list[dict]], hashed: str) -> None:
        """Old pods go, unavailable ones first, as many as maxUnavailable allows (update.go rollingUpdate)."""
        rolling = owner["spec"]["updateStrategy"].get("rollingUpdate") or {}
        nodes = [n["metadata"]["name"] for n in self.nodes.list() if should_run_on(owner, n)[0]]
        surge = _surge(owner, len(nodes))
        limit = 0 if surge else max(resolve_percent(rolling.get("maxUnavailable", 1), len(nodes), up=True), 1)
        unavailable, old_ready, old_unready, surging = 0, [], [], 0
        to_surge = []
        for name in nodes:
            staying = [p for p in by_node.get(name, []) if not _terminating(p)]
            new = next((p for p in staying if _hash_of(p) == hashed), None)
            old = next((p for p in staying if _hash_of(p) != hashed), None)
            if surge:
                if old and new and self._available(owner, new):
                    self._delete(owner, old)
                elif old and new:
                    surging += 1
                elif old and not self._available(owner, old):
                    self._delete(owner, old)
                elif old:
                    to_surge.append(name)
            elif new is None and old is None:
                unavailable += 1
            elif new is not None:
                unavailable += not self._available(owner, new)
            elif self._available(owner, old):
                old_ready.append(old)
            else:
                old_unready.append(old)
                unavailable += 1
        for pod in [*old_unready, *old_ready[: max(limit - unavailable, 0)]]:
            self._delete(owner, pod)
        for name in to_surge[: max(surge - surging, 0)]:
            self.control.create(owner, self._pod(owner, name, hashed))

    def _pod(self, owner: dict, node: str, hashed: str) -> dict:
        pod = pod_from_template(owner["spec"]["template"], owner)
        labels = pod["metadata"].setdefault("labels", {})
        labels |= {REVISION_LABEL: hashed}
        if generation := (owner["metadata"].get("annotations") or {}).get("deprecated.daemonset.template.generation"):
            labels["pod-template-generation"] = generation
        field = {"key": "metadata.name", "operator": "In", "values": [node]}
        affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
        terms = required.get("nodeSelectorTerms") or [{}]
        affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [{**t, "matchFields": [field]} for t in terms]}
        pod["spec"]["tolerations"] = _tolerations(owner)
        return pod

    def _delete(self, owner: dict, pod: dict) -> None:
        if not _terminating(pod):
            self.control.delete(owner, pod)

    def _available(self, owner: dict, pod: dict) -> bool:
        return is_pod_available(pod, owner["spec"].get("minReadySeconds", 0), self.clock)

    def _write_status(self, owner: dict, by_node: dict[str, list[dict]], hashed: str) -> None:
        desired = current = misscheduled = ready = available = updated = 0
        for node in self.nodes.list():
            should_run, _ = should_run_on(owner, node)
            pods = by_node.get(node["metadata"]["name"], [])
            if should_run:
                desired += 1
                current += bool(pods)
                for pod in sorted(pods, key=lambda p: p["metadata"]["creationTimestamp"])[:1]:
                    ready += is_pod_ready(pod)
                    available += is_pod_ready(pod) and self._available(owner, pod)
                updated += any(_hash_of(p) == hashed for p in pods)
            else:
                misscheduled += bool(pods)
        counts = {
            "observedGeneration": owner["metadata"].get("generation", 0),
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
            "numberUnavailable": desired - available,
        }
        status = {
            "currentNumberScheduled": current,
            "numberMisscheduled": misscheduled,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            **{k: n for k, n in counts.items() if n},
        }
        if "collisionCount" in (owner.get("status") or {}):
            status["collisionCount"] = owner["status"]["collisionCount"]
        if status != owner.get("status"):
            changed = deep_copy(owner)
            changed["status"] = status
            ignore_gone(self.client.update, RESOURCE, changed, "status")
        wait = owner["spec"].get("minReadySeconds", 0)
        if wait and ready != available:
            self.queue.add_after(key_of(owner), wait)


def should_run_on(owner: dict, node: dict) -> tuple[bool, bool]:
    """(whether a pod should be started on the node, whether one that is there may stay): NodeShouldRunDaemonPod."""
    template = owner["spec"]["template"]
    if template["spec"].get("nodeName") not in (None, "", node["metadata"]["name"]):
        return False, False
    if not matches_node_affinity(template, node):
        return False, False
    taints, tolerations = node["spec"].get("taints") or (), _tolerations(owner)
    if untolerated_taint(taints, tolerations):
        return False, untolerated_taint(taints, tolerations, ("NoExecute",)) is None
    return True, True


def _tolerations(owner: dict) -> list[dict]:
    spec = owner["spec"]["template"]["spec"]
    added = (*TOLERATED, HOST_NETWORK_TOLERATED) if spec.get("hostNetwork") else TOLERATED
    own = list(spec.get("tolerations") or ())
    return own + [t for k, e in added if (t := {"key": k, "operator": "Exists", "effect": e}) not in own]


def _surge(owner: dict, nodes: int = 1) -> int:
    strategy = owner["spec"]["updateStrategy"]
    if strategy["type"] != "RollingUpdate":
        return 0
    return resolve_percent((strategy.get("rollingUpdate") or {}).get("maxSurge") or 0, nodes, up=True)


def _node_of(pod: dict) -> str:
    """The node the pod is on, or the only one it may go to."""
    if node := pod["spec"].get("nodeName"):
        return node
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in affinity.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name":
                return field["values"][0]
    return ""


def _terminating(pod: dict) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _hash_of(pod: dict) -> str:
    return (pod["metadata"].get("labels") or {}).get(REVISION_LABEL, "")


def _placement(node: dict) -> tuple:
    return node["metadata"].get("labels"), node["spec"].get("taints"), node["spec"].get("unschedulable")
