"""A pod's RuntimeClass must exist, and adds its overhead and where it runs (`plugin/pkg/admission/runtimeclass/admission.go`)."""

from ..errors import ApiError
from .attributes import is_create_of, refuse


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "pods") or not obj["spec"].get("runtimeClassName"):
        return
    spec, name = obj["spec"], obj["spec"]["runtimeClassName"]
    try:
        found = client.get("runtimeclasses.node.k8s.io", "", name)
    except ApiError:
        raise refuse(request, obj, f'pod rejected: RuntimeClass "{name}" not found', generated=False) from None
    if overhead := (found.get("overhead") or {}).get("podFixed"):
        spec["overhead"] = dict(overhead)
    scheduling = found.get("scheduling") or {}
    if scheduling.get("nodeSelector"):
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **scheduling["nodeSelector"]}
    for toleration in scheduling.get("tolerations") or []:
        if toleration not in (spec.get("tolerations") or []):
            spec["tolerations"] = [*(spec.get("tolerations") or []), toleration]
