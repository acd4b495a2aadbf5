"""The Node object of a practice node, as kind's nodes look (`pkg/kubelet/nodestatus/setters.go`, `pkg/kubelet/kubelet_node_status.go`)."""
import uuid
from collections.abc import Iterable

from ..clock import timestamp
from ..runtime.runtime import KERNEL
from ..version import GIT_VERSION

NODE_DNS = "172.18.0.1"
ALLOCATABLE = {
    "cpu": "4",
    "ephemeral-storage": "103079200Ki",
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    "memory": "8388608Ki",
    "pods": "110",
}
CONDITIONS = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


def internal_ip(index: int) -> str:
    return f"172.18.0.{2 + index}"


def pod_cidr(index: int) -> str:
    return f"10.244.{index}.0/24"


def new_node(name: str, index: int, taints: Iterable[dict]) -> dict:
    taints = list(taints)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": f"zone-{chr(ord('a') + index % 100 % 26)}",
    }
    if index == 0 or taints:
        labels |= {"node-role.kubernetes.io/control-plane": "", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
    spec = {"podCIDR": pod_cidr(index), "podCIDRs": [pod_cidr(index)], "providerID": f"kind://docker/practice/{name}"}
    if taints:
        spec["taints"] = taints
    machine = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    status = {
        "addresses": [{"type": "InternalIP", "address": internal_ip(index)}, {"type": "Hostname", "address": name}],
        "capacity": dict(ALLOCATABLE),
        "allocatable": dict(ALLOCATABLE),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "features": {"supplementalGroupsPolicy": True},
        "runtimeHandlers": [
            {"name": name, "features": {"recursiveReadOnlyMounts": True, "userNamespaces": True}} for name in ("runc", "")
        ],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": str(uuid.uuid4()),
            "containerRuntimeVersion": "containerd://2.2.1",
            "kernelVersion": KERNEL,
            "kubeProxyVersion": "",
            "kubeletVersion": GIT_VERSION,
            "machineID": machine.replace("-", ""),
            "operatingSystem": "linux",
            "osImage": "Debian GNU/Linux 13 (trixie)",
            "systemUUID": machine,
        },
    }
    annotations = {"node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": spec,
        "status": status,
    }


LOW_MEMORY = "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"


def node_conditions(old: Iterable[dict], memory_pressure: bool) -> list[dict]:
    """The kubelet's conditions with a new heartbeat; those of others are kept."""
    before = {c["type"]: c for c in old}
    at = timestamp()
    made = []
    for kind, words in CONDITIONS.items():
        status, reason, message = LOW_MEMORY if memory_pressure and kind == "MemoryPressure" else words
        was = before.pop(kind, None)
        since = was["lastTransitionTime"] if was and was["status"] == status else at
        made.append(
            {"type": kind, "status": status, "lastHeartbeatTime": at, "lastTransitionTime": since, "reason": reason, "message": message}
        )
    return [*before.values(), *made]
