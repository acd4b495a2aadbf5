"""A new node takes no pods until its kubelet says it is ready (`plugin/pkg/admission/nodetaint/admission.go`)."""

from .attributes import is_create_of

TAINT = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "nodes"):
        return
    taints = obj["spec"].get("taints") or []
    if not any(t.get("key") == TAINT["key"] and t.get("effect") == TAINT["effect"] for t in taints):
        obj["spec"]["taints"] = [*taints, dict(TAINT)]
