"""Filters: which nodes can take a pod. One function each, named as the plugin (`pkg/scheduler/framework/plugins/<name>`).

Each answers None (fits) or Rejected. FILTERS is the order they run in; the first rejection of a node ends its turn.
"""

from ..component_helpers import matches_node_affinity, required_node_affinity, untolerated_taint
from .cache import NodeInfo
from .framework import Cycle, Filter, Rejected
from .inter_pod_affinity import inter_pod_affinity
from .pod_topology_spread import pod_topology_spread
from .volume_binding import volume_binding

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def node_unschedulable(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    """kubectl cordon."""
    if node.node["spec"].get("unschedulable") and untolerated_taint([UNSCHEDULABLE_TAINT], cycle.spec.get("tolerations") or ()):
        return Rejected(("node(s) were unschedulable",), resolvable=False)


def node_name(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    if cycle.spec.get("nodeName") not in (None, "", node.name):
        return Rejected(("node(s) didn't match the requested node name",), resolvable=False)


def taint_toleration(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    if node.taints and untolerated_taint(node.taints, cycle.spec.get("tolerations") or ()):
        return Rejected(("node(s) had untolerated taint(s)",), resolvable=False)


def node_affinity(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    """spec.nodeSelector and required node affinity."""
    if (cycle.spec.get("nodeSelector") or required_node_affinity(cycle.pod.pod)) and not matches_node_affinity(cycle.pod.pod, node.node):
        return Rejected(("node(s) didn't match Pod's node affinity/selector",), resolvable=False)


def node_ports(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    """hostPort."""
    for ip, protocol, port in cycle.pod.ports:
        for used_ip, used_protocol, used_port in (p for p, n in node.ports.items() if n > 0):
            if (protocol, port) == (used_protocol, used_port) and (ip == used_ip or "0.0.0.0" in (ip, used_ip)):
                return Rejected(("node(s) didn't have free ports for the requested pod ports",))


def node_resources_fit(cycle: Cycle, node: NodeInfo) -> Rejected | None:
    """Requests, not use, against what the node has left."""
    reasons, resolvable = [], True
    if len(node.pods) + 1 > node.allocatable.get("pods", 0):
        reasons.append("Too many pods")
    for name, wanted in cycle.pod.requests.items():
        has = node.allocatable.get(name, 0)
        if wanted > has - node.requested.get(name, 0) and wanted:
            reasons.append(f"Insufficient {name}")
            resolvable = resolvable and wanted <= has
    return Rejected(tuple(reasons), resolvable) if reasons else None


FILTERS: dict[str, Filter] = {
    "NodeUnschedulable": node_unschedulable,
    "NodeName": node_name,
    "TaintToleration": taint_toleration,
    "NodeAffinity": node_affinity,
    "NodePorts": node_ports,
    "NodeResourcesFit": node_resources_fit,
    "VolumeBinding": volume_binding,
    "PodTopologySpread": pod_topology_spread,
    "InterPodAffinity": inter_pod_affinity,
}


def node_names_by_affinity(cycle: Cycle) -> set[str] | None:
    """The only nodes worth looking at when every term of the pod's node affinity names one (NodeAffinity's PreFilter)."""
    required = required_node_affinity(cycle.pod.pod)
    if not required:
        return None
    names: set[str] = set()
    for term in required.get("nodeSelectorTerms") or ():
        named = [set(f["values"]) for f in term.get("matchFields") or () if f["key"] == "metadata.name" and f["operator"] == "In"]
        if not named:
            return None
        names |= set.intersection(*named)
    return names or None
