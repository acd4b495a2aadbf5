"""Only claims of a class that allows it may grow (`plugin/pkg/admission/storage/persistentvolume/resize/admission.go`)."""

from ..errors import ApiError
from ..quantity import parse
from .attributes import refuse


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if request.resource.name != "persistentvolumeclaims" or request.subresource or operation != "UPDATE":
        return
    if _size(obj) <= _size(old):
        return
    if old.get("status", {}).get("phase") != "Bound":
        raise refuse(request, obj, "Only bound persistent volume claims can be expanded")
    try:
        storage_class = client.get("storageclasses.storage.k8s.io", "", old["spec"].get("storageClassName") or "")
    except ApiError:
        storage_class = {}
    if not storage_class.get("allowVolumeExpansion"):
        why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
        raise refuse(request, obj, why)


def _size(claim: dict):
    return parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))
