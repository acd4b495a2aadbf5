"""StatefulSet: pods with names, order and claims of their own (`pkg/controller/statefulset/{stateful_set_control,stateful_pod_control,
stateful_set_utils}.go`)."""


from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..component import Controller
from ..component_helpers import is_pod_ready, is_pod_terminal
from ..deep_copy import deep_copy
from ..informer import controller_of, key_of
from .history import RESOURCE as REVISIONS
from .history import REVISION_LABEL, History, template_of
from .utils import (
    Family,
    claim,
    controller_ref,
    ignore_gone,
    is_namespace_terminating,
    is_pod_available,
    pod_from_template,
    resolve_percent,
)

RESOURCE, CLAIMS = "statefulsets.apps", "persistentvolumeclaims"
POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


class StatefulSetController(Controller):
    name = "statefulset-controller"

    def setup(self) -> None:
        self.sets = self.informers[RESOURCE]
        self.pods = Family(self.informers["pods"])
        self.claims = self.informers[CLAIMS]
        self.history = History(self.client, Family(self.informers[REVISIONS]))
        self.sets.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers["pods"].on_change(self._on_pod)
        self.claims.on_change(self._on_claim)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        for pod in (old, new):
            owner = pod and controller_of(pod)
            if owner and owner["kind"] == "StatefulSet":
                self.queue.add((pod["metadata"]["namespace"], owner["name"]))
        if new and not controller_of(new):
            parent, _ = _parent_and_ordinal(new["metadata"]["name"])
            if self.sets.get(new["metadata"]["namespace"], parent):
                self.queue.add((new["metadata"]["namespace"], parent))

    def _on_claim(self, old: dict | None, new: dict | None) -> None:
        """A pod waits for its old claim to be gone before it gets a new one."""
        if new is None:
            namespace, name = key_of(old)
            for owner in self.sets.list(namespace):
                if any(name.startswith(f"{t['metadata']['name']}-{owner['metadata']['name']}-") for t in _claim_templates(owner)):
                    self.queue.add(key_of(owner))

    async def reconcile(self, key: tuple[str, str]) -> None:
        owner = self.sets.get(*key)
        if owner is None:
            return
        selector = selectors.from_label_selector(owner["spec"]["selector"])
        name = owner["metadata"]["name"]
        pods = claim(self.client, "pods", owner, selector, self.pods, keep=lambda p: _parent_and_ordinal(p["metadata"]["name"])[0] == name)
        revisions = self.history.of(owner)
        update = self.history.current(owner, revisions, "controller.kubernetes.io/hash")
        current_name = (owner.get("status") or {}).get("currentRevision")
        current = next((r for r in revisions if r["metadata"]["name"] == current_name), update)
        sync = _Sync(self, owner, current, update, pods)
        error = None
        try:
            sync.run()
        except ApiError as failed:
            error = failed
        self._write_status(owner, sync.status())
        live = {current["metadata"]["name"], update["metadata"]["name"], *(_revision_of(p) for p in pods)}
        self.history.truncate(owner, revisions, live)
        wait = owner["spec"].get("minReadySeconds", 0)
        if wait and any(is_pod_ready(p) and not sync.available(p) for p in sync.replicas):
            self.queue.add_after(key, wait)
        if error and not is_namespace_terminating(error):
            raise error

    def _write_status(self, owner: dict, status: dict) -> None:
        if status != owner.get("status"):
            changed = deep_copy(owner)
            changed["status"] = status
            ignore_gone(self.client.update, RESOURCE, changed, "status")

    # -- pods and claims, each with its event ----------------------------------------------------------------

    def create_pod(self, owner: dict, pod: dict) -> None:
        self.create_claims(owner, pod)
        name = pod["metadata"]["name"]
        self._told(owner, "Create", name, lambda: self.client.create("pods", pod))

    def delete_pod(self, owner: dict, pod: dict) -> None:
        name, meta = pod["metadata"]["name"], pod["metadata"]
        self._told(owner, "Delete", name, lambda: ignore_gone(self.client.delete, "pods", meta["namespace"], name))

    def _told(self, owner: dict, verb: str, pod: str, write) -> None:
        what = f"{verb} Pod {pod} in StatefulSet {owner['metadata']['name']}"
        try:
            write()
        except ApiError as error:
            if error.reason == "AlreadyExists":
                raise
            self.events.event(owner, "Warning", f"Failed{verb}", f"{verb.lower()} {what.partition(' ')[2]} failed error: {error.message}")
            raise
        self.events.event(owner, "Normal", f"Successful{verb}", f"{verb.lower()} {what.partition(' ')[2]} successful")

    def create_claims(self, owner: dict, pod: dict) -> None:
        """The pod's claims that are missing."""
        for name, template in claims_of(owner, pod["metadata"]["name"]).items():
            if self.claims.get(owner["metadata"]["namespace"], name):
                continue
            what = f"Claim {name} Pod {pod['metadata']['name']} in StatefulSet {owner['metadata']['name']}"
            made = {
                "metadata": {
                    **deep_copy(template["metadata"]),
                    "name": name,
                    "namespace": owner["metadata"]["namespace"],
                    "labels": {**(template["metadata"].get("labels") or {}), **(owner["spec"]["selector"].get("matchLabels") or {})},
                },
                "spec": deep_copy(template["spec"]),
            }
            if _retention(owner, "whenDeleted") == "Delete":
                made["metadata"]["ownerReferences"] = [controller_ref(owner)]
            try:
                self.client.create(CLAIMS, made)
            except ApiError as error:
                if error.reason == "AlreadyExists":
                    continue
                self.events.event(owner, "Warning", "FailedCreate", f"create {what} failed error: {error.message}")
                raise
            self.events.event(owner, "Normal", "SuccessfulCreate", f"create {what} success")

    def claims_of(self, owner: dict, pod: dict) -> list[dict]:
        found = (self.claims.get(owner["metadata"]["namespace"], name) for name in claims_of(owner, pod["metadata"]["name"]))
        return [c for c in found if c]


class _Sync:
    """One look at a set: updateStatefulSet."""

    def __init__(self, controller: StatefulSetController, owner: dict, current: dict, update: dict, pods: list[dict]):
        self.controller, self.owner, self.current, self.update = controller, owner, current, update
        self.minimum = owner["spec"].get("minReadySeconds", 0)
        self.ordered = owner["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        self.start = (owner["spec"].get("ordinals") or {}).get("start", 0)
        wanted = range(self.start, self.start + owner["spec"].get("replicas", 1))
        by_ordinal = {_parent_and_ordinal(p["metadata"]["name"])[1]: p for p in pods}
        self.pods = pods
        self.replicas = [by_ordinal[o] if o in by_ordinal else self._new_pod(o) for o in wanted]
        self.condemned = [by_ordinal[o] for o in sorted(by_ordinal, reverse=True) if o >= 0 and o not in wanted]
        self.deleted: set[str] = set()

    def run(self) -> None:
        if "deletionTimestamp" in self.owner["metadata"]:
            return
        for pod in self.replicas:
            if self._keep(pod) and self.ordered:
                return
        self._condemn_claims()
        for pod in self.condemned:
            if self._condemn(pod) and self.ordered:
                return
        if self.owner["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._roll()

    def _keep(self, pod: dict) -> bool:
        """Bring one replica to where it should be. True when the ones after it must wait."""
        if _created(pod) and is_pod_terminal(pod):
            if not _terminating(pod):
                self._delete(pod)
            return True
        if not _created(pod):
            if any("deletionTimestamp" in c["metadata"] for c in self.controller.claims_of(self.owner, pod)):
                return True
            self.controller.create_pod(self.owner, pod)
            return True
        if (pod.get("status") or {}).get("phase") == "Pending":
            self.controller.create_claims(self.owner, pod)
        return _terminating(pod) or not self.available(pod)

    def _condemn(self, pod: dict) -> bool:
        """Remove a pod beyond the wanted ones, the last first, each when the ones before are well. True when the next must wait."""
        if _terminating(pod):
            return True
        if self.ordered and not self.available(pod) and pod is not self._first_unavailable():
            return True
        self._delete(pod)
        return True

    def _first_unavailable(self) -> dict | None:
        return next((p for p in [*self.replicas, *reversed(self.condemned)] if not self.available(p) or _terminating(p)), None)

    def _roll(self) -> None:
        """The last pod that has an old revision goes; the next when its successor is available. Ordinals below the partition stay."""
        rolling = self.owner["spec"]["updateStrategy"].get("rollingUpdate") or {}
        limit = max(resolve_percent(rolling.get("maxUnavailable") or 1, len(self.replicas), up=True), 1)
        unavailable = sum(_terminating(p) or not self.available(p) for p in self.replicas)
        for pod in reversed(self.replicas):
            if _parent_and_ordinal(pod["metadata"]["name"])[1] < rolling.get("partition", 0) or unavailable >= limit:
                return
            if _revision_of(pod) != self.update["metadata"]["name"] and not _terminating(pod):
                self._delete(pod)
                unavailable += 1

    def _condemn_claims(self) -> None:
        """whenScaled: Delete makes a condemned pod own its claims, so that they go with it."""
        if _retention(self.owner, "whenScaled") != "Delete":
            return
        for pod in self.condemned:
            for found in self.controller.claims_of(self.owner, pod):
                owners = [r for r in found["metadata"].get("ownerReferences") or () if r["kind"] != "StatefulSet"]
                if not any(r["uid"] == pod["metadata"]["uid"] for r in owners):
                    reference = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
                    patch = {"metadata": {"ownerReferences": [*owners, reference]}}
                    ignore_gone(self.controller.client.patch, CLAIMS, *key_of(found), patch)

    def _delete(self, pod: dict) -> None:
        self.controller.delete_pod(self.owner, pod)
        self.deleted.add(pod["metadata"]["uid"])

    def available(self, pod: dict) -> bool:
        return (
            _created(pod)
            and (pod.get("status") or {}).get("phase") == "Running"
            and is_pod_available(pod, self.minimum, self.controller.clock)
        )

    def _new_pod(self, ordinal: int) -> dict:
        rolling = self.owner["spec"]["updateStrategy"].get("rollingUpdate") or {}
        status = self.owner.get("status") or {}
        stays = (
            ordinal < rolling.get("partition", 0) if rolling.get("partition") else ordinal < self.start + status.get("currentReplicas", 0)
        )
        is_rolling = self.owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        revision = self.current if is_rolling and stays else self.update
        name = f"{self.owner['metadata']['name']}-{ordinal}"
        pod = pod_from_template(template_of(revision), self.owner, name)
        labels = pod["metadata"].setdefault("labels", {})
        labels |= {POD_NAME: name, POD_INDEX: str(ordinal), REVISION_LABEL: revision["metadata"]["name"]}
        pod["spec"]["hostname"] = name
        pod["spec"]["subdomain"] = self.owner["spec"].get("serviceName", "")
        claims = claims_of(self.owner, name)
        volumes = [v for v in pod["spec"].get("volumes") or () if v["name"] not in {t["metadata"]["name"] for t in claims.values()}]
        for claim_name, template in claims.items():
            volumes.append({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim_name}})
        if volumes:
            pod["spec"]["volumes"] = volumes
        return pod

    def status(self) -> dict:
        there = [p for p in {p["metadata"]["name"]: p for p in [*self.pods, *self.replicas]}.values() if _created(p)]
        staying = [p for p in there if not _terminating(p) and p["metadata"]["uid"] not in self.deleted]
        ready = [p for p in there if is_pod_ready(p) and (p.get("status") or {}).get("phase") == "Running"]
        current, update = self.current["metadata"]["name"], self.update["metadata"]["name"]
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": sum(_revision_of(p) == current for p in staying),
            "updatedReplicas": sum(_revision_of(p) == update for p in staying),
        }
        rolled = self.owner["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        if rolled and counts["updatedReplicas"] == len(there) == len(ready):
            current, counts["currentReplicas"] = update, counts["updatedReplicas"]
        before = self.owner.get("status") or {}
        return {
            "observedGeneration": self.owner["metadata"].get("generation", 0),
            "replicas": len(there),
            **{k: n for k, n in counts.items() if n},
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": before.get("collisionCount", 0),
            "availableReplicas": sum(self.available(p) for p in ready),
        }


def claims_of(owner: dict, pod: str) -> dict[str, dict]:
    """Claim name to its template, for one pod."""
    return {f"{t['metadata']['name']}-{pod}": t for t in _claim_templates(owner)}


def _claim_templates(owner: dict) -> list[dict]:
    return owner["spec"].get("volumeClaimTemplates") or []


def _retention(owner: dict, when: str) -> str:
    return (owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get(when, "Retain")


def _parent_and_ordinal(name: str) -> tuple[str, int]:
    parent, dash, ordinal = name.rpartition("-")
    return (parent, int(ordinal)) if dash and ordinal.isdecimal() else ("", -1)


def _created(pod: dict) -> bool:
    return "uid" in pod["metadata"]


def _terminating(pod: dict) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _revision_of(pod: dict) -> str:
    return (pod["metadata"].get("labels") or {}).get(REVISION_LABEL, "")
