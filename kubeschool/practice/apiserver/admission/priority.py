"""A pod's priority comes from its PriorityClass (`plugin/pkg/admission/priority/admission.go`)."""

from ..errors import ApiError
from .attributes import is_create_of, refuse

CLASSES = "priorityclasses.scheduling.k8s.io"


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "pods"):
        return
    spec = obj["spec"]
    if name := spec.get("priorityClassName"):
        try:
            found = client.get(CLASSES, "", name)
        except ApiError:
            raise refuse(request, obj, f"no PriorityClass with name {name} was found", generated=False) from None
    else:
        found = _default(client)
        if found:
            spec["priorityClassName"] = found["metadata"]["name"]
    value = found["value"] if found else 0
    policy = found.get("preemptionPolicy", "PreemptLowerPriority") if found else "PreemptLowerPriority"
    computed = "priority admission controller computed {} from the given PriorityClass name"
    if spec.get("priority", value) != value:
        why = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; {computed.format(value)}"
        raise refuse(request, obj, why, generated=False)
    if spec.get("preemptionPolicy", policy) != policy:
        why = (
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; {computed.format(policy)}"
        )
        raise refuse(request, obj, why, generated=False)
    spec["priority"], spec["preemptionPolicy"] = value, policy


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if request.resource.name != CLASSES or operation == "DELETE" or not obj.get("globalDefault"):
        return
    other = _default(client)
    if other and other["metadata"]["name"] != request.name:
        raise refuse(request, obj, f"PriorityClass {other['metadata']['name']} is already marked as default. Only one default can exist")


def _default(client) -> dict | None:
    defaults = [c for c in client.list(CLASSES) if c.get("globalDefault")]
    return min(defaults, key=lambda c: c["value"], default=None)
