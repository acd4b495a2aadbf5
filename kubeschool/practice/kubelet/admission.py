"""Whether a pod that was bound to a node may run there (`pkg/kubelet/lifecycle/predicate.go`)."""
from collections.abc import Iterator

from ..component_helpers import amounts, matches_node_affinity, pod_requests


def reject(pod: dict, others: list[dict], node: dict) -> tuple[str, str] | None:
    """(reason, message) when it may not; `others` are the pods that run on the node."""
    free = amounts(node["status"].get("allocatable"))
    if len(others) + 1 > free.get("pods", 0):
        return _out_of("pods", 1, len(others), free.get("pods", 0))
    used: dict[str, int] = {}
    for other in others:
        for resource, amount in pod_requests(other).items():
            used[resource] = used.get(resource, 0) + amount
    for resource, amount in pod_requests(pod).items():
        if amount and used.get(resource, 0) + amount > free.get(resource, 0):
            return _out_of(resource, amount, used.get(resource, 0), free.get(resource, 0))
    if not matches_node_affinity(pod, node):
        return "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    taken = {port for other in others for port in host_ports(other)}
    if any(_clash(port, other) for port in host_ports(pod) for other in taken):
        return "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    return None


def host_ports(pod: dict) -> Iterator[tuple[str, str, int]]:
    """(host IP, protocol, port) of every port the pod wants on its node."""
    for container in [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]:
        for port in container.get("ports", ()):
            if port.get("hostPort"):
                yield port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"), port["hostPort"]


def _clash(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or "0.0.0.0" in (one[0], other[0]))


def _out_of(resource: str, requested: int, used: int, capacity: int) -> tuple[str, str]:
    words = f"Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}"
    return f"OutOf{resource}", words
