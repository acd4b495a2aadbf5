"""kube-scheduler: finds a node for every pod that has none (`pkg/scheduler/schedule_one.go`).

One pod at a time: filters say which nodes can take it, scores which is best, then the pod is bound through the API
(POST pods/NAME/binding). What cannot be placed waits in the queue until something changes.
"""

import asyncio
import random
from dataclasses import dataclass, field

from ..apiserver.errors import ApiError
from ..client import Client
from ..clock import Clock, timestamp
from ..component import Component
from ..component_helpers import condition, is_pod_terminal
from ..events import EventRecorder
from ..informer import key_of
from . import volume_binding
from .cache import Cache, NodeInfo, PodInfo
from .filters import FILTERS, node_names_by_affinity
from .framework import NO_NODES, Cycle, PreFilterRejected, Rejected, fit_error
from .preemption import Candidate, preempt
from .queue import QueuedPod, SchedulingQueue
from .scores import SCORES

SCHEDULER_NAME = "default-scheduler"
NOTE_LIMIT = 1024
FLUSH_PERIOD = 30.0
MIN_FEASIBLE_NODES = 100

_NODE_CHANGES = {
    "NodeTaint": lambda n: (n["spec"].get("taints"), n["spec"].get("unschedulable")),
    "NodeLabel": lambda n: n["metadata"].get("labels"),
    "NodeAllocatable": lambda n: (n.get("status") or {}).get("allocatable"),
}


@dataclass
class Decision:
    """Why a pod went where it went: what each node answered."""

    pod: tuple[str, str]
    node: str = ""
    message: str = ""
    rejections: dict[str, Rejected] = field(default_factory=dict)
    scores: dict[str, dict[str, int]] = field(default_factory=dict)
    """node → plugin → weighted score"""

    def report(self) -> dict:
        """For the API: each node either with the filter it failed or with its scores, the best first."""
        fit = [{"name": node, "score": sum(points.values()), "scores": points} for node, points in self.scores.items()]
        unfit = [{"name": node, "filter": r.plugin, "reasons": list(r.reasons)} for node, r in sorted(self.rejections.items())]
        fit.sort(key=lambda node: (-node["score"], node["name"]))
        return {"node": self.node, "message": self.message, "nodes": fit + unfit}


class Unschedulable(Exception):
    def __init__(self, message: str, plugins: frozenset[str], candidate: Candidate | None = None):
        super().__init__(message)
        self.message, self.plugins, self.candidate = message, plugins, candidate


class NotBound(Exception):
    """Volumes cannot be bound as planned: the cluster has changed meanwhile."""


class Scheduler(Component):
    name = "kube-scheduler"

    def __init__(self, client: Client, clock: Clock):
        super().__init__(client, clock)
        self.events = EventRecorder(client, SCHEDULER_NAME, series=True)

    async def run(self) -> None:
        self.cache, self.queue = Cache(), SchedulingQueue(self.clock)
        self._volumes_changed = asyncio.Event()
        self._start_at = 0
        self.informers["nodes"].on_change(self._on_node)
        self.informers["pods"].on_change(self._on_pod)
        for resource in ("persistentvolumes", "persistentvolumeclaims", "storageclasses.storage.k8s.io"):
            self.informers[resource].on_change(self._on_volume)
        for resource in (
            "namespaces",
            "services",
            "replicasets.apps",
            "statefulsets.apps",
            "replicationcontrollers",
            "poddisruptionbudgets.policy",
        ):
            self.informers[resource]
        await self.informers.synced()
        self.spawn(self._flush())
        try:
            while True:
                self._schedule_one(await self.queue.pop())
                await asyncio.sleep(0)
        finally:
            self.queue.close()

    def explain(self, namespace: str, name: str) -> Decision:
        """Every node's answer and every score as they are now, without placing the pod; one that has a node is looked at as if it had none.
        `node` is where it is. Raises ApiError 404."""
        pod = self.client.get("pods", namespace, name)
        decision = Decision((namespace, name), pod["spec"].get("nodeName", ""))
        free = {**pod, "spec": {key: value for key, value in pod["spec"].items() if key != "nodeName"}}
        if decision.node:
            self.cache.on_pod(pod, None)
        try:
            self._find_node(self._cycle(PodInfo(free)), decision)
            if free["spec"].get("schedulingGates"):
                decision.message = "Scheduling is blocked due to non-empty scheduling gates"
        except Unschedulable as unschedulable:
            decision.message = unschedulable.message
        finally:
            if decision.node:
                self.cache.on_pod(None, pod)
        return decision

    # -- what informers report -----------------------------------------------------------------------------

    def _on_node(self, old: dict | None, new: dict | None) -> None:
        self.cache.on_node(old, new)
        if old is None:
            self.queue.move("NodeAdd")
        elif new is None:
            self.queue.move("NodeDelete")
        else:
            for event, part in _NODE_CHANGES.items():
                if part(old) != part(new):
                    self.queue.move(event)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        pod = new or old
        key = key_of(pod)
        if not pod["spec"].get("nodeName"):
            if new and not is_pod_terminal(new) and new["spec"].get("schedulerName", SCHEDULER_NAME) == SCHEDULER_NAME:
                if not self.cache.is_placed(key):
                    info = PodInfo(new)
                    self.queue.add(info)
                    if nominated := (new.get("status") or {}).get("nominatedNodeName"):
                        self.cache.nominate(info, nominated)
            else:
                self.queue.remove(key)
                self.cache.unnominate(key)
                self.cache.on_pod(pod, None)
            return
        self.queue.remove(key)
        self.cache.unnominate(key)
        before = self._ran(old)
        self.cache.on_pod(old, new)
        if new is None or is_pod_terminal(new):
            if before:
                self.queue.move("AssignedPodDelete")
        elif not before:
            self.queue.move("AssignedPodAdd")
        elif (old["metadata"].get("labels") or {}) != (new["metadata"].get("labels") or {}):
            self.queue.move("AssignedPodLabel")
        elif old["spec"] != new["spec"]:
            self.queue.move("AssignedPodResize")

    @staticmethod
    def _ran(old: dict | None) -> bool:
        """Whether the pod was on a node and running before the change."""
        return old is not None and bool(old["spec"].get("nodeName")) and not is_pod_terminal(old)

    def _on_volume(self, old: dict | None, new: dict | None) -> None:
        self._volumes_changed.set()
        self._volumes_changed = asyncio.Event()
        self.queue.move("Volume")

    # -- one pod -------------------------------------------------------------------------------------------

    def _schedule_one(self, queued: QueuedPod) -> None:
        pod = queued.info
        if pod.terminating:
            message = f"skip schedule deleting pod: {pod.namespace}/{pod.key[1]}"
            return self.events.event(pod.pod, "Warning", "FailedScheduling", message, action="Scheduling")
        cycle = self._cycle(pod)
        try:
            node = self._find_node(cycle)
            self.cache.assume(pod, node.name)
            if cycle.once("VolumeBinding", volume_binding.pre_filter).waiting:
                self.spawn(self._bind_volumes(queued, cycle, node))
            else:
                self._bind(queued, node)
        except Unschedulable as failure:
            self._put_back(queued, failure)
        except Exception as error:
            self._give_up(queued, error)

    def _cycle(self, pod: PodInfo) -> Cycle:
        return Cycle(pod, self.cache, self.informers)

    def _find_node(self, cycle: Cycle, decision: Decision | None = None) -> NodeInfo:
        """The best node that fits. Raises Unschedulable."""
        if not cycle.nodes:
            raise Unschedulable(NO_NODES, frozenset({"NoNodes"}))
        try:
            cycle.once("VolumeBinding", volume_binding.pre_filter)
        except PreFilterRejected as rejected:
            _, after = preempt(cycle, {}, self._run_filters)
            raise self._unschedulable(cycle, {}, frozenset({rejected.plugin}), rejected.message, after) from None
        feasible, rejections = self._feasible(cycle)
        if decision:
            decision.rejections = rejections
        if not feasible:
            candidate, after = preempt(cycle, rejections, self._run_filters)
            raise self._unschedulable(cycle, rejections, frozenset(r.plugin for r in rejections.values()), "", after, candidate)
        if len(feasible) == 1 and not decision:
            return feasible[0]
        totals = dict.fromkeys(range(len(feasible)), 0)
        for plugin, (score, weight) in SCORES.items():
            for i, points in enumerate(score(cycle, feasible) or ()):
                totals[i] += weight * points
                if decision:
                    decision.scores.setdefault(feasible[i].name, {})[plugin] = weight * points
        best = max(totals.values())
        return feasible[random.choice([i for i, total in totals.items() if total == best])]

    def _unschedulable(
        self,
        cycle: Cycle,
        rejections: dict[str, Rejected],
        plugins: frozenset[str],
        before: str,
        after: str,
        candidate: Candidate | None = None,
    ) -> Unschedulable:
        post = f"no new claims to deallocate, {after}" if after else ""
        return Unschedulable(fit_error(len(cycle.nodes), rejections, before, post), plugins, candidate)

    def _feasible(self, cycle: Cycle) -> tuple[list[NodeInfo], dict[str, Rejected]]:
        """Nodes that fit, enough of them (`findNodesThatPassFilters`), and why the others do not."""
        rejections: dict[str, Rejected] = {}
        nodes = list(cycle.nodes.values())
        if (names := node_names_by_affinity(cycle)) is not None:
            others = Rejected(("node(s) didn't satisfy plugin(s) [NodeAffinity]",), resolvable=False, plugin="NodeAffinity")
            rejections = {n.name: others for n in nodes if n.name not in names}
            nodes = [n for n in nodes if n.name in names]
        enough, found = _enough(len(nodes)), []
        if not nodes:
            return found, rejections
        start = self._start_at % len(nodes)
        looked = 0
        for node in [*nodes[start:], *nodes[:start]]:
            looked += 1
            if rejected := self._run_filters(cycle, node):
                rejections[node.name] = rejected
            else:
                found.append(node)
                if len(found) >= enough:
                    break
        self._start_at = (start + looked) % len(nodes)
        return found, rejections

    def _run_filters(self, cycle: Cycle, node: NodeInfo) -> Rejected | None:
        """As the node is, and as it will be when the pods nominated to it have arrived."""
        rejected = _first_rejection(cycle, node)
        nominated = cycle.cache.nominated.get(node.name)
        if rejected or not nominated:
            return rejected
        coming = [p for p in nominated.values() if p.priority >= cycle.pod.priority and p.key != cycle.pod.key and p.key not in node.pods]
        if not coming:
            return None
        later = node.clone()
        for pod in coming:
            later.add(pod)
        return _first_rejection(cycle, later)

    # -- binding -------------------------------------------------------------------------------------------

    def _bind(self, queued: QueuedPod, node: NodeInfo) -> None:
        pod = queued.info
        namespace, name = pod.key
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"namespace": namespace, "name": name, "uid": pod.uid},
            "target": {"kind": "Node", "name": node.name},
        }
        self.client.create_subresource("pods", namespace, name, "binding", binding)
        message = f"Successfully assigned {namespace}/{name} to {node.name}"
        self.events.event(pod.pod, "Normal", "Scheduled", message, action="Binding")
        self.queue.remove(pod.key)

    async def _bind_volumes(self, queued: QueuedPod, cycle: Cycle, node: NodeInfo) -> None:
        try:
            plan = volume_binding.start(cycle, node, self.client)
            await asyncio.sleep(0)
            while plan is not None:
                changed, answer = self._volumes_changed, volume_binding.finished(plan, self.informers)
                if answer is not None:
                    break
                async with asyncio.timeout(self.clock.real(volume_binding.BIND_TIMEOUT)):
                    await changed.wait()
            if plan is None or not answer:
                raise NotBound("provisioning failed for PVC" if plan else "binding volumes: node cannot serve the claims any more")
            self._bind(queued, node)
        except TimeoutError:
            self._give_up(queued, NotBound("binding volumes: context deadline exceeded"))
        except Exception as error:
            self._give_up(queued, error)

    # -- failing -------------------------------------------------------------------------------------------

    def _put_back(self, queued: QueuedPod, failure: Unschedulable) -> None:
        nominated = None
        if failure.candidate:
            nominated = failure.candidate.node
            self._make_room(queued.info, failure.candidate)
        self.queue.unschedulable(queued, failure.plugins)
        self._report(queued.info, "Unschedulable", failure.message, nominated)

    def _give_up(self, queued: QueuedPod, error: Exception) -> None:
        """An attempt that ended in an error, not in a rejection: try again later."""
        self.cache.forget(queued.info)
        if isinstance(error, ApiError) and error.code == 404:
            return self.queue.remove(queued.info.key)
        if not isinstance(error, ApiError | NotBound):
            self.log.error("scheduling %s", queued.info.key, exc_info=error)
        self.queue.failed(queued)
        self._report(queued.info, "SchedulerError", str(error), None)

    def _report(self, pod: PodInfo, reason: str, message: str, nominated: str | None) -> None:
        note = message if len(message) <= NOTE_LIMIT else message[: NOTE_LIMIT - 4] + " ..."
        self.events.event(pod.pod, "Warning", "FailedScheduling", note, action="Scheduling")
        old = condition(pod.pod, "PodScheduled")
        new = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message, "lastProbeTime": None}
        if generation := pod.pod["metadata"].get("generation"):
            new["observedGeneration"] = generation
        status: dict = {}
        if not old or {k: old.get(k) for k in new} != new:
            same = old is not None and old["status"] == "False"
            status["conditions"] = [{**new, "lastTransitionTime": old["lastTransitionTime"] if same else timestamp()}]
        if nominated and nominated != (pod.pod.get("status") or {}).get("nominatedNodeName"):
            status["nominatedNodeName"] = nominated
        if status:
            try:
                self.client.patch("pods", *pod.key, {"status": status}, kind="strategic", subresource="status")
            except ApiError as error:
                if error.code != 404:
                    self.log.warning("status of %s: %s", pod.key, error)

    def _make_room(self, pod: PodInfo, candidate: Candidate) -> None:
        """Remove the victims; pods of lower priority that waited for the same room must look for another."""
        self.cache.nominate(pod, candidate.node)
        for victim in candidate.victims:
            target = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": f"{SCHEDULER_NAME}: preempting to accommodate a higher priority pod",
                "lastProbeTime": None,
                "lastTransitionTime": timestamp(),
            }
            try:
                self.client.patch("pods", *victim.key, {"status": {"conditions": [target]}}, kind="strategic", subresource="status")
                self.client.delete("pods", *victim.key, uid=victim.uid)
            except ApiError as error:
                if error.code not in (404, 409):
                    raise
            message = f"Preempted by pod {pod.uid} on node {candidate.node}"
            self.events.event(victim.pod, "Normal", "Preempted", message, action="Preempting")
        for other in list(self.cache.nominated.get(candidate.node, {}).values()):
            if other.priority < pod.priority:
                self.cache.unnominate(other.key)
                self.client.patch("pods", *other.key, {"status": {"nominatedNodeName": None}}, subresource="status")
                self.queue.activate(other.key)

    async def _flush(self) -> None:
        while True:
            await self.clock.sleep(FLUSH_PERIOD)
            self.queue.flush()


def _first_rejection(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    for plugin, fits in FILTERS.items():
        if rejected := fits(cycle, node):
            return Rejected(rejected.reasons, rejected.resolvable, plugin)
    return None


def _enough(nodes: int) -> int:
    """How many feasible nodes are worth finding before scoring (`numFeasibleNodesToFind`)."""
    if nodes < MIN_FEASIBLE_NODES:
        return nodes
    return max(MIN_FEASIBLE_NODES, nodes * max(50 - nodes // 125, 5) // 100)
