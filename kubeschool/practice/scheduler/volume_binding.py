"""VolumeBinding: a pod goes where its volumes are or can be (`pkg/scheduler/framework/plugins/volumebinding`).

A claim whose class waits for its first consumer is bound here: to an existing volume, or by naming the node to the provisioner
(annotation volume.kubernetes.io/selected-node).
"""

from dataclasses import dataclass, field

from ..client import Client
from ..component_helpers import node_selector_matches
from ..deep_copy import deep_copy
from ..informer import Informers, key_of
from ..volumes import NO_PROVISIONER, SELECTED_NODE, claim_volume, claims_of, find_matching_volume, is_bound
from .cache import NodeInfo
from .framework import Cycle, PreFilterRejected, Rejected

BIND_TIMEOUT = 600.0
"""Seconds a pod waits for its claims to be bound before it is scheduled anew."""


@dataclass
class Volumes:
    """The pod's claims: bound ones with their volumes, and those to bind on the chosen node."""

    bound: list[dict] = field(default_factory=list)
    waiting: list[dict] = field(default_factory=list)


def pre_filter(cycle: Cycle) -> Volumes:
    """Raises PreFilterRejected when no node could help."""
    volumes = Volumes()
    informers = cycle.informers
    for name in claims_of(cycle.pod.pod):
        claim = informers["persistentvolumeclaims"].get(cycle.pod.namespace, name)
        if claim is None:
            raise _rejected(f'persistentvolumeclaim "{name}" not found')
        if "deletionTimestamp" in claim["metadata"]:
            raise _rejected(f'persistentvolumeclaim "{name}" is being deleted')
        if (claim.get("status") or {}).get("phase") == "Lost":
            raise _rejected(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim["spec"]["volumeName"]}"')
        if is_bound(claim):
            volume = informers["persistentvolumes"].get("", claim["spec"]["volumeName"])
            if volume is None:
                raise _rejected(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim["spec"]["volumeName"]}"')
            volumes.bound.append(volume)
            continue
        storage_class = informers["storageclasses.storage.k8s.io"].get("", claim["spec"].get("storageClassName") or "")
        if claim["spec"].get("volumeName") or not storage_class or storage_class.get("volumeBindingMode") != "WaitForFirstConsumer":
            raise _rejected("pod has unbound immediate PersistentVolumeClaims")
        volumes.waiting.append(claim)
    return volumes


def volume_binding(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    volumes: Volumes = cycle.once("VolumeBinding", pre_filter)
    if any(not _reaches(volume, node) for volume in volumes.bound):
        return Rejected(("node(s) didn't match PersistentVolume's node affinity",), resolvable=False)
    if volumes.waiting and _plan(volumes.waiting, cycle.informers, node) is None:
        return Rejected(("node(s) didn't find available persistent volumes to bind",), resolvable=False)
    return None


Plan = list[tuple[dict, dict | None]]
"""(claim, volume to take or None to provision one) for each waiting claim."""


def start(cycle: Cycle, node: NodeInfo, client: Client) -> Plan | None:
    """PreBind: begin binding the pod's waiting claims on `node`. None when the node cannot serve them any more."""
    plan = _plan(cycle.once("VolumeBinding", pre_filter).waiting, cycle.informers, node)
    for claim, volume in plan or ():
        if volume is not None:
            client.update("persistentvolumes", claim_volume(deep_copy(volume), claim))
        else:
            change = {"metadata": {"annotations": {SELECTED_NODE: node.name}}}
            client.patch("persistentvolumeclaims", claim["metadata"]["namespace"], claim["metadata"]["name"], change)
    return plan


def finished(plan: Plan, informers: Informers) -> bool | None:
    """True when every claim is bound, False when one never will be (deleted, or refused by the provisioner), None before."""
    answer: bool | None = True
    for claim, volume in plan:
        now = informers["persistentvolumeclaims"].get(*key_of(claim))
        if now is None or (volume is None and not is_bound(now) and SELECTED_NODE not in (now["metadata"].get("annotations") or {})):
            return False
        if not is_bound(now):
            answer = None
    return answer


def _plan(claims: list[dict], informers: Informers, node: NodeInfo) -> Plan | None:
    """None when the node cannot serve them all."""
    plan: Plan = []
    taken: set[str] = set()
    for claim in claims:
        volumes = [v for v in informers["persistentvolumes"].list() if v["metadata"]["name"] not in taken and _reaches(v, node)]
        volume = find_matching_volume(claim, volumes)
        if volume is None:
            storage_class = informers["storageclasses.storage.k8s.io"].get("", claim["spec"].get("storageClassName") or "")
            if not storage_class or storage_class["provisioner"] == NO_PROVISIONER or not _allowed(storage_class, node):
                return None
        else:
            taken.add(volume["metadata"]["name"])
        plan.append((claim, volume))
    return plan


def _reaches(volume: dict, node: NodeInfo) -> bool:
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or node_selector_matches(required, node.node)


def _allowed(storage_class: dict, node: NodeInfo) -> bool:
    terms = storage_class.get("allowedTopologies") or ()
    return not terms or any(
        all(node.labels.get(e["key"]) in e["values"] for e in term.get("matchLabelExpressions") or ()) for term in terms
    )


def _rejected(message: str) -> PreFilterRejected:
    return PreFilterRejected("VolumeBinding", message)
