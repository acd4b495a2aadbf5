"""ReplicaSet: as many pods as spec.replicas says (`pkg/controller/replicaset/replica_set.go`)."""

from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..clock import Clock, timestamp
from ..component import Controller
from ..component_helpers import is_pod_active, is_pod_ready, is_pod_terminal
from ..deep_copy import deep_copy
from ..informer import controller_of, key_of
from .utils import (
    Family,
    PodControl,
    claim,
    ignore_gone,
    is_namespace_terminating,
    is_pod_available,
    pod_from_template,
    pods_to_delete,
    settle,
    slow_start,
)

BURST_REPLICAS = 500
"""So many pods are created or deleted in one go."""


class Replicas(Controller):
    """What ReplicaSets and ReplicationControllers do alike."""

    kind: str
    resource: str
    workers = 5
    """--concurrent-replicaset-syncs: a set that makes many pods must not keep another, whose status a Deployment counts on, waiting."""

    def setup(self) -> None:
        self.owners = self.informers[self.resource]
        self.pods = Family(self.informers["pods"])
        self.control = PodControl(self.client, self.events)
        self.owners.on_change(self._on_owner)
        self.informers["pods"].on_change(self._on_pod)

    def selector(self, owner: dict) -> list[selectors.Requirement] | None:
        raise NotImplementedError

    def _on_owner(self, old: dict | None, new: dict | None) -> None:
        owner, unasked = new or old, old and new and old["metadata"].get("generation") == new["metadata"].get("generation")
        self.queue.add_after(key_of(owner), settle(self.clock, self.pods.count(owner["metadata"]["uid"])) if unasked else 0)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        pod = new or old
        for ref in {(r["name"], r["uid"]) for r in (controller_of(p) for p in (old, new) if p) if r and r["kind"] == self.kind}:
            self.queue.add_after((pod["metadata"]["namespace"], ref[0]), settle(self.clock, self.pods.count(ref[1])))
        if new and not controller_of(new) and new["metadata"].get("labels") and is_pod_active(new):
            for owner in self.owners.list(new["metadata"]["namespace"]):
                if selectors.matches(self.selector(owner), new["metadata"]["labels"]):
                    self.queue.add(key_of(owner))

    async def reconcile(self, key: tuple[str, str]) -> None:
        owner = self.owners.get(*key)
        if owner is None:
            return
        mine = claim(self.client, "pods", owner, self.selector(owner), self.pods, keep=lambda p: not is_pod_terminal(p))
        active = [p for p in mine if is_pod_active(p)]
        error = None
        if "deletionTimestamp" not in owner["metadata"]:
            error = await self._manage(owner, active)
        terminating = sum("deletionTimestamp" in p["metadata"] and not is_pod_terminal(p) for p in mine)
        status = replica_status(owner, active, terminating, error, self.clock)
        if status != owner.get("status"):
            changed = deep_copy(owner)
            changed["status"] = status
            ignore_gone(self.client.update, self.resource, changed, "status")
        wait = owner["spec"].get("minReadySeconds", 0)
        if wait and status.get("readyReplicas", 0) == owner["spec"].get("replicas", 1) != status.get("availableReplicas", 0):
            self.queue.add_after(key, wait)
        if error and not is_namespace_terminating(error):
            raise error

    async def _manage(self, owner: dict, active: list[dict]) -> ApiError | None:
        """Create or delete the difference; `active` loses what was deleted. The first error, if any."""
        missing = owner["spec"].get("replicas", 1) - len(active)
        if missing > 0:
            template = owner["spec"]["template"]

            def create(i: int) -> None:
                self.control.create(owner, pod_from_template(template, owner))

            _, error = await slow_start(min(missing, BURST_REPLICAS), create)
            if missing > BURST_REPLICAS:
                self.queue.add(key_of(owner))
            return error
        if missing < 0:
            victims = pods_to_delete(active, min(-missing, BURST_REPLICAS), self._related(owner))
            error = None
            for pod in victims:
                try:
                    self.control.delete(owner, pod)
                    active.remove(pod)
                except ApiError as failed:
                    error = error or failed
            return error
        return None

    def _related(self, owner: dict) -> list[dict]:
        """Pods of all owners that have the same controller: of every ReplicaSet of a Deployment."""
        above = controller_of(owner)
        if above is None:
            return self.pods.of(owner["metadata"]["uid"])
        siblings = (o for o in self.owners.list(owner["metadata"]["namespace"]) if (controller_of(o) or {}).get("uid") == above["uid"])
        return [p for o in siblings for p in self.pods.of(o["metadata"]["uid"])]


class ReplicaSetController(Replicas):
    name = "replicaset-controller"
    kind, resource = "ReplicaSet", "replicasets.apps"

    def selector(self, owner: dict) -> list[selectors.Requirement] | None:
        return selectors.from_label_selector(owner["spec"]["selector"])


def replica_status(owner: dict, active: list[dict], terminating: int, error: ApiError | None, clock: Clock) -> dict:
    """`replica_set_utils.go` calculateStatus; counts of zero are left out except replicas, as Go's omitempty does."""
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    ready = [p for p in active if is_pod_ready(p)]
    minimum = owner["spec"].get("minReadySeconds", 0)
    counts = {
        "fullyLabeledReplicas": sum(labels.items() <= (p["metadata"].get("labels") or {}).items() for p in active),
        "readyReplicas": len(ready),
        "availableReplicas": sum(is_pod_available(p, minimum, clock) for p in ready),
        "observedGeneration": owner["metadata"].get("generation", 0),
    }
    status = {"replicas": len(active), **{k: n for k, n in counts.items() if n}}
    if owner["kind"] == "ReplicaSet":
        status["terminatingReplicas"] = terminating
    conditions = [c for c in (owner.get("status") or {}).get("conditions") or () if c["type"] != "ReplicaFailure"]
    old = [c for c in (owner.get("status") or {}).get("conditions") or () if c["type"] == "ReplicaFailure"]
    if error:
        reason = "FailedCreate" if len(active) < owner["spec"].get("replicas", 1) else "FailedDelete"
        failure = {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": error.message}
        same = old and old[0]["reason"] == reason
        conditions.append(old[0] if same else {**failure, "lastTransitionTime": timestamp()})
    if conditions:
        status["conditions"] = conditions
    return status
