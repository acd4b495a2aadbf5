"""Deployment: from one version of a pod template to the next (`pkg/controller/deployment`: deployment_controller.go, sync.go, rolling.go,
recreate.go, progress.go, util/deployment_util.go).

A Deployment never touches pods: it makes one ReplicaSet a template version and moves replicas from the old ones to the new one.
"""


import orjson

from ..apiserver import selectors
from ..apiserver.errors import ApiError
from ..apiserver.names import SAFE_ALPHABET
from ..clock import timestamp
from ..component import Controller
from ..component_helpers import condition, is_pod_terminal
from ..deep_copy import deep_copy
from ..informer import controller_of, key_of
from .utils import Family, claim, controller_ref, elapsed, ignore_gone, resolve_percent

RESOURCE, REPLICASETS = "deployments.apps", "replicasets.apps"
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}
NO_DEADLINE = 2**31 - 1


class DeploymentController(Controller):
    name = "deployment-controller"

    def setup(self) -> None:
        self.deployments = self.informers[RESOURCE]
        self.replicasets = Family(self.informers[REPLICASETS])
        self.pods = Family(self.informers["pods"])
        self.deployments.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers[REPLICASETS].on_change(self._on_replicaset)
        self.informers["pods"].on_change(self._on_pod)

    def _on_replicaset(self, old: dict | None, new: dict | None) -> None:
        for rs in (old, new):
            owner = rs and controller_of(rs)
            if owner and owner["kind"] == "Deployment":
                self.queue.add((rs["metadata"]["namespace"], owner["name"]))
        if new and not controller_of(new):
            for deployment in self.deployments.list(new["metadata"]["namespace"]):
                if selectors.matches(selectors.from_label_selector(deployment["spec"]["selector"]), new["metadata"].get("labels")):
                    self.queue.add(key_of(deployment))

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        """Recreate waits for the last old pod."""
        if new is None and (owner := controller_of(old)) and owner["kind"] == "ReplicaSet":
            rs = self.informers[REPLICASETS].get(old["metadata"]["namespace"], owner["name"])
            above = rs and controller_of(rs)
            deployment = above and self.deployments.get(rs["metadata"]["namespace"], above["name"])
            if deployment and deployment["spec"]["strategy"]["type"] == "Recreate":
                self.queue.add(key_of(deployment))

    async def reconcile(self, key: tuple[str, str]) -> None:
        deployment = self.deployments.get(*key)
        if deployment is None:
            return
        d = deep_copy(deployment)
        if not d["spec"]["selector"]:
            self.events.event(d, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")
            return
        selector = selectors.from_label_selector(d["spec"]["selector"])
        sets = sorted(claim(self.client, REPLICASETS, d, selector, self.replicasets), key=_age)
        if "deletionTimestamp" in d["metadata"]:
            new = _find_new(d, sets)
            self._sync_status(d, [s for s in sets if s is not new], new)
            return
        self._check_paused(d)
        if d["spec"].get("paused") or any(int(_annotation(s, DESIRED, _replicas(d))) != _replicas(d) for s in sets if _replicas(s)):
            self._scale_only(d, sets)
        elif d["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(d, sets)
        else:
            self._roll(d, sets)

    # -- strategies ----------------------------------------------------------------------------------------

    def _roll(self, d: dict, sets: list[dict]) -> None:
        """rolling.go rolloutRolling: up with the new if the surge allows, else down with the old if availability allows."""
        new, old = self._new_and_old(d, sets, create=True)
        if new is None:
            return
        target = _new_replicas(d, [*old, new], new)
        if _replicas(new) != target:
            new = self._scale(d, new, target)
            return self._sync_progress(d, old, new)
        old = self._scale_down_old(d, old, new)
        self._finish(d, old, new)

    def _recreate(self, d: dict, sets: list[dict]) -> None:
        """recreate.go rolloutRecreate: nothing new before everything old is gone."""
        new, old = self._new_and_old(d, sets, create=False)
        if any(_replicas(s) for s in old):
            return self._sync_progress(d, [self._scale(d, s, 0) if _replicas(s) else s for s in old], new)
        if any(not is_pod_terminal(p) for s in old for p in self.pods.of(s["metadata"]["uid"])):
            return self._sync_progress(d, old, new)
        if new is None:
            new, old = self._new_and_old(d, sets, create=True)
            if new is None:
                return
        if _replicas(new) != _replicas(d):
            new = self._scale(d, new, _replicas(d))
        self._finish(d, old, new)

    def _finish(self, d: dict, old: list[dict], new: dict) -> None:
        if _complete(d, d.get("status") or {}):
            self._clean_up(d, old)
        self._sync_progress(d, old, new)

    def _scale_down_old(self, d: dict, old: list[dict], new: dict) -> list[dict]:
        """rolling.go reconcileOldReplicaSets: unhealthy replicas first, then as many as availability allows."""
        if not sum(map(_replicas, old)):
            return old
        minimum = _replicas(d) - _max_unavailable(d)
        spare = sum(map(_replicas, [*old, new])) - minimum - (_replicas(new) - _available(new))
        if spare <= 0:
            return old
        result = {s["metadata"]["name"]: s for s in old}
        for s in old:
            count = min(spare, _replicas(s) - _available(s))
            if _replicas(s) and count > 0:
                result[s["metadata"]["name"]] = self._scale(d, s, _replicas(s) - count)
                spare -= count
        spare = sum(map(_available, [*result.values(), new])) - minimum
        for name, s in result.items():
            count = min(spare, _replicas(s))
            if count > 0:
                result[name] = self._scale(d, s, _replicas(s) - count)
                spare -= count
        return list(result.values())

    # -- scaling without rolling (sync.go) -----------------------------------------------------------------

    def _scale_only(self, d: dict, sets: list[dict]) -> None:
        """A paused or just scaled Deployment: replicas follow, templates do not."""
        new, old = self._new_and_old(d, sets, create=False)
        everything = [*old, new] if new else old
        active = [s for s in everything if _replicas(s)]
        alone = active[0] if len(active) == 1 else new or (old[-1] if old else None) if not active else None
        if alone:
            if _replicas(alone) != _replicas(d) or _needs_annotations(d, alone):
                everything = [self._scale(d, s, _replicas(d)) if s is alone else s for s in everything]
        elif new and _saturated(d, new):
            everything = [self._scale(d, s, 0) if s is not new and _replicas(s) else s for s in everything]
        elif d["spec"]["strategy"]["type"] == "RollingUpdate":
            everything = self._scale_in_proportion(d, everything, active)
        if d["spec"].get("paused"):
            self._clean_up(d, [s for s in everything if not new or s["metadata"]["uid"] != new["metadata"]["uid"]])
        new_now = next((s for s in everything if new and s["metadata"]["uid"] == new["metadata"]["uid"]), None)
        self._sync_status(d, [s for s in everything if s is not new_now], new_now)

    def _scale_in_proportion(self, d: dict, everything: list[dict], active: list[dict]) -> list[dict]:
        """In the middle of a rollout: each ReplicaSet gets its share, to lower the risk."""
        allowed = _replicas(d) + _max_surge(d) if _replicas(d) else 0
        to_add = allowed - sum(map(_replicas, active))
        newest_first = sorted(active, key=_age, reverse=True)
        ordered = sorted(newest_first if to_add > 0 else newest_first[::-1], key=_replicas, reverse=True)
        sizes, added = {}, 0
        for s in ordered:
            share = _proportion(d, s, to_add, added) if to_add else 0
            sizes[s["metadata"]["uid"]] = _replicas(s) + share
            added += share
        if ordered and to_add:
            first = ordered[0]["metadata"]["uid"]
            sizes[first] = max(sizes[first] + to_add - added, 0)
        return [self._scale(d, s, sizes[s["metadata"]["uid"]]) if s["metadata"]["uid"] in sizes else s for s in everything]

    def _scale(self, d: dict, rs: dict, replicas: int) -> dict:
        """Give a ReplicaSet its size and the annotations that remember the Deployment's; tell when the size changed."""
        before = _replicas(rs)
        if before == replicas and not _needs_annotations(d, rs):
            return rs
        changed = deep_copy(rs)
        changed["spec"]["replicas"] = replicas
        changed["metadata"].setdefault("annotations", {}).update(_size_annotations(d))
        updated = self.client.update(REPLICASETS, changed)
        if before != replicas:
            self._tell_scaled(d, rs["metadata"]["name"], before, replicas)
        return updated

    def _tell_scaled(self, d: dict, name: str, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        self.events.event(d, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set {name} from {before} to {after}")

    # -- the new ReplicaSet and revisions ------------------------------------------------------------------

    def _new_and_old(self, d: dict, sets: list[dict], create: bool) -> tuple[dict | None, list[dict]]:
        """sync.go getAllReplicaSetsAndSyncRevision."""
        new = _find_new(d, sets)
        old = [s for s in sets if s is not new]
        revision = max(map(_revision, old), default=0) + 1
        if new:
            return self._keep_new(d, new, revision), old
        return (self._create_new(d, old, revision) if create else None), old

    def _keep_new(self, d: dict, new: dict, revision: int) -> dict:
        changed = deep_copy(new)
        _copy_annotations(d, changed)
        if _revision(new) < revision:
            _set_revision(changed, new, revision)
        changed["spec"]["minReadySeconds"] = d["spec"].get("minReadySeconds", 0)
        if not changed["spec"]["minReadySeconds"] and "minReadySeconds" not in new["spec"]:
            del changed["spec"]["minReadySeconds"]
        if changed != new:
            new = self.client.update(REPLICASETS, changed)
        stale = self._set_deployment_revision(d, _revision(new))
        if _deadline(d) and not condition(d, "Progressing"):
            _set_condition(d, "Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"')
            stale = True
        if stale:
            self._write_status(d)
        return new

    def _create_new(self, d: dict, old: list[dict], revision: int) -> dict | None:
        template = deep_copy(d["spec"]["template"])
        hashed = template_hash(d["spec"]["template"], (d.get("status") or {}).get("collisionCount"))
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = hashed
        selector = deep_copy(d["spec"]["selector"])
        selector.setdefault("matchLabels", {})[HASH] = hashed
        name = f"{d['metadata']['name']}-{hashed}"
        rs = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": d["metadata"]["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {},
                "ownerReferences": [controller_ref(d)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        if d["spec"].get("minReadySeconds"):
            rs["spec"]["minReadySeconds"] = d["spec"]["minReadySeconds"]
        rs["spec"]["replicas"] = _new_replicas(d, [*old, rs], rs)
        _copy_annotations(d, rs)
        rs["metadata"]["annotations"].update({REVISION: str(revision), **_size_annotations(d)})
        try:
            created = self.client.create(REPLICASETS, rs)
        except ApiError as error:
            return self._not_created(d, name, error)
        if rs["spec"]["replicas"]:
            self._tell_scaled(d, name, 0, rs["spec"]["replicas"])
        self._set_deployment_revision(d, revision)
        if _deadline(d):
            _set_condition(d, "Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        self._write_status(d)
        return created

    def _not_created(self, d: dict, name: str, error: ApiError) -> None:
        if error.reason == "AlreadyExists":
            status = d.setdefault("status", {})
            status["collisionCount"] = status.get("collisionCount", 0) + 1
            self._write_status(d)
            raise error
        if any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes", ())):
            return
        message = f'Failed to create new replica set "{name}": {error.message}'
        if _deadline(d):
            _set_condition(d, "Progressing", "False", "ReplicaSetCreateError", message)
            self._write_status(d)
        self.events.event(d, "Warning", "ReplicaSetCreateError", message)
        raise error

    def _set_deployment_revision(self, d: dict, revision: int) -> bool:
        annotations = d["metadata"].setdefault("annotations", {})
        if annotations.get(REVISION) == str(revision):
            return False
        annotations[REVISION] = str(revision)
        return True

    def _clean_up(self, d: dict, old: list[dict]) -> None:
        """Old ReplicaSets beyond revisionHistoryLimit."""
        limit = d["spec"].get("revisionHistoryLimit", 10)
        alive = [s for s in old if "deletionTimestamp" not in s["metadata"]]
        for s in sorted(alive, key=_revision)[: max(len(alive) - limit, 0)]:
            status = s.get("status") or {}
            if (
                not status.get("replicas")
                and not _replicas(s)
                and status.get("observedGeneration", 0) >= s["metadata"].get("generation", 0)
            ):
                ignore_gone(self.client.delete, REPLICASETS, s["metadata"]["namespace"], s["metadata"]["name"])

    # -- status (sync.go, progress.go) ---------------------------------------------------------------------

    def _check_paused(self, d: dict) -> None:
        found = condition(d, "Progressing")
        if not _deadline(d) or (found and found.get("reason") == "ProgressDeadlineExceeded"):
            return
        was = found is not None and found.get("reason") == "DeploymentPaused"
        if bool(d["spec"].get("paused")) != was:
            reason, message = ("DeploymentResumed", "Deployment is resumed") if was else ("DeploymentPaused", "Deployment is paused")
            _set_condition(d, "Progressing", "Unknown", reason, message)
            self._write_status(d)

    def _sync_status(self, d: dict, old: list[dict], new: dict | None) -> None:
        before = deep_copy(d.get("status"))
        d["status"] = _calculate_status(d, old, new)
        if d["status"] != before:
            self._write_status(d)

    def _sync_progress(self, d: dict, old: list[dict], new: dict | None) -> None:
        """progress.go syncRolloutStatus."""
        before = deep_copy(d.get("status") or {})
        status = d["status"] = _calculate_status(d, old, new)
        subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{d["metadata"]["name"]}"'
        progressing = condition({"status": before}, "Progressing")
        settled = status["replicas"] == status["updatedReplicas"] and progressing and progressing.get("reason") == "NewReplicaSetAvailable"
        if not _deadline(d):
            _remove_condition(d, "Progressing")
        elif not settled:
            if _complete(d, status):
                _set_condition(d, "Progressing", "True", "NewReplicaSetAvailable", f"{subject} has successfully progressed.")
            elif _progressed(before, status):
                _remove_condition(d, "Progressing")
                _set_condition(d, "Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.")
                if progressing and progressing["status"] == "True":
                    condition(d, "Progressing")["lastTransitionTime"] = progressing["lastTransitionTime"]
            elif self._timed_out(d, progressing):
                _set_condition(d, "Progressing", "False", "ProgressDeadlineExceeded", f"{subject} has timed out progressing.")
        failures = [c for s in ([new] if new else []) + old if (c := condition(s, "ReplicaFailure"))]
        if failures:
            _set_condition(d, "ReplicaFailure", failures[0]["status"], failures[0]["reason"], failures[0]["message"])
        else:
            _remove_condition(d, "ReplicaFailure")
        status["conditions"] = status.get("conditions") or []
        wire = {k: v for k, v in status.items() if v or k == "terminatingReplicas"}
        if wire != before:
            self._write_status(d)
        elif progressing and _deadline(d) and not _complete(d, status) and progressing.get("reason") != "ProgressDeadlineExceeded":
            left = _deadline(d) - elapsed(self.clock, progressing["lastUpdateTime"])
            self.queue.add_after(key_of(d), max(left, 0) + 1)

    def _timed_out(self, d: dict, progressing: dict | None) -> bool:
        if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
            return False
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            return True
        return elapsed(self.clock, progressing["lastUpdateTime"]) > _deadline(d)

    def _write_status(self, d: dict) -> None:
        """Also stores changed annotations, as upstream's UpdateStatus does. `d` becomes what was stored."""
        wanted = {**d, "status": {k: v for k, v in (d.get("status") or {}).items() if v or k == "terminatingReplicas"}}
        stored = deep_copy(self.client.update(RESOURCE, wanted, "status"))
        d.clear()
        d.update(stored)


def template_hash(template: dict, collisions: int | None) -> str:
    """FNV-1a over the template, in letters that spell no words (`controller_utils.go` ComputeHash)."""
    value = 2166136261
    for byte in orjson.dumps(template, option=orjson.OPT_SORT_KEYS) + (collisions or 0).to_bytes(8, "little") * (collisions is not None):
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return "".join(SAFE_ALPHABET[ord(digit) % len(SAFE_ALPHABET)] for digit in str(value))


def _calculate_status(d: dict, old: list[dict], new: dict | None) -> dict:
    everything = [*old, new] if new else old

    def total(field: str) -> int:
        return sum((s.get("status") or {}).get(field, 0) for s in everything)

    before = d.get("status") or {}
    available = total("availableReplicas")
    status = {
        "observedGeneration": d["metadata"].get("generation", 0),
        "replicas": total("replicas"),
        "updatedReplicas": ((new or {}).get("status") or {}).get("replicas", 0),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(map(_replicas, everything)) - available, 0),
        "terminatingReplicas": total("terminatingReplicas"),
    }
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    status["conditions"] = deep_copy(before.get("conditions") or [])
    scratch = {"status": status}
    if available >= _replicas(d) - _max_unavailable(d):
        _set_condition(scratch, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        _set_condition(scratch, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return status


def _set_condition(d: dict, type_: str, status: str, reason: str, message: str) -> None:
    """deployment_util.go SetDeploymentCondition: the same status and reason change nothing; a changed condition goes last."""
    found = condition(d, type_)
    if found and (found["status"], found.get("reason")) == (status, reason):
        return
    moved = found["lastTransitionTime"] if found and found["status"] == status else timestamp()
    _remove_condition(d, type_)
    new = {
        "type": type_,
        "status": status,
        "lastUpdateTime": timestamp(),
        "lastTransitionTime": moved,
        "reason": reason,
        "message": message,
    }
    d.setdefault("status", {}).setdefault("conditions", []).append(new)


def _remove_condition(d: dict, type_: str) -> None:
    status = d.setdefault("status", {})
    status["conditions"] = [c for c in status.get("conditions") or () if c["type"] != type_]


def _find_new(d: dict, sets: list[dict]) -> dict | None:
    """The oldest ReplicaSet with the Deployment's template."""
    wanted = _without_hash(d["spec"]["template"])
    return next((s for s in sets if _without_hash(s["spec"]["template"]) == wanted), None)


def _without_hash(template: dict) -> dict:
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH}
    return {"metadata": {k: v for k, v in meta.items() if v}, "spec": template["spec"]}


def _new_replicas(d: dict, everything: list[dict], new: dict) -> int:
    """deployment_util.go NewRSNewReplicas, and down to the Deployment's size when it is larger."""
    if d["spec"]["strategy"]["type"] == "Recreate" or _replicas(new) >= _replicas(d):
        return _replicas(d)
    room = _replicas(d) + _max_surge(d) - sum(map(_replicas, everything))
    return _replicas(new) + max(min(room, _replicas(d) - _replicas(new)), 0)


def _fenceposts(d: dict) -> tuple[int, int]:
    rolling = d["spec"]["strategy"].get("rollingUpdate") or {}
    surge = resolve_percent(rolling.get("maxSurge", "25%"), _replicas(d), up=True)
    unavailable = resolve_percent(rolling.get("maxUnavailable", "25%"), _replicas(d), up=False)
    return surge, unavailable or (0 if surge else 1)


def _max_surge(d: dict) -> int:
    return _fenceposts(d)[0] if d["spec"]["strategy"]["type"] == "RollingUpdate" else 0


def _max_unavailable(d: dict) -> int:
    return min(_fenceposts(d)[1], _replicas(d)) if d["spec"]["strategy"]["type"] == "RollingUpdate" else 0


def _proportion(d: dict, rs: dict, to_add: int, added: int) -> int:
    if not _replicas(rs) or to_add == added:
        return 0
    if not _replicas(d):
        share = -_replicas(rs)
    else:
        maximum = int(_annotation(rs, MAXIMUM, 0)) or (d.get("status") or {}).get("replicas", 0) or 1
        share = int(_replicas(rs) * (_replicas(d) + _max_surge(d)) / maximum + 0.5) - _replicas(rs)
    left = to_add - added
    return min(share, left) if to_add > 0 else max(share, left)


def _saturated(d: dict, rs: dict) -> bool:
    return _replicas(d) == _replicas(rs) == int(_annotation(rs, DESIRED, -1)) == _available(rs)


def _complete(d: dict, status: dict) -> bool:
    wanted = _replicas(d)
    counts = (status.get(k, 0) for k in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(n == wanted for n in counts) and status.get("observedGeneration", 0) >= d["metadata"].get("generation", 0)


def _progressed(before: dict, now: dict) -> bool:
    def get(status: dict, field: str) -> int:
        return status.get(field, 0)

    old_before = get(before, "replicas") - get(before, "updatedReplicas")
    old_now = get(now, "replicas") - get(now, "updatedReplicas")
    return old_now < old_before or any(get(now, f) > get(before, f) for f in ("updatedReplicas", "readyReplicas", "availableReplicas"))


def _size_annotations(d: dict) -> dict[str, str]:
    return {DESIRED: str(_replicas(d)), MAXIMUM: str(_replicas(d) + _max_surge(d))}


def _needs_annotations(d: dict, rs: dict) -> bool:
    annotations = rs["metadata"].get("annotations") or {}
    return any(annotations.get(k) != v for k, v in _size_annotations(d).items())


def _copy_annotations(d: dict, rs: dict) -> None:
    copied = {k: v for k, v in (d["metadata"].get("annotations") or {}).items() if k not in NOT_COPIED}
    if copied:
        rs["metadata"].setdefault("annotations", {}).update(copied)


def _set_revision(changed: dict, rs: dict, revision: int) -> None:
    annotations = changed["metadata"].setdefault("annotations", {})
    annotations[REVISION] = str(revision)
    if before := _revision(rs):
        annotations[REVISION_HISTORY] = ",".join(filter(None, [annotations.get(REVISION_HISTORY), str(before)]))


def _revision(obj: dict) -> int:
    return int(_annotation(obj, REVISION, 0))


def _annotation(obj: dict, name: str, default: int) -> int | str:
    return (obj["metadata"].get("annotations") or {}).get(name, default)


def _deadline(d: dict) -> int:
    """progressDeadlineSeconds, 0 for none."""
    deadline = d["spec"].get("progressDeadlineSeconds") or 0
    return 0 if deadline == NO_DEADLINE else deadline


def _replicas(obj: dict) -> int:
    return obj["spec"].get("replicas", 1)


def _available(rs: dict) -> int:
    return (rs.get("status") or {}).get("availableReplicas", 0)


def _age(obj: dict) -> tuple[str, str]:
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]
