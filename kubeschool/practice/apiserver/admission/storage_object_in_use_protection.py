"""Volumes and claims in use are not deleted under a pod's feet
(`plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go`)."""

from .attributes import is_create_of

FINALIZERS = {"persistentvolumeclaims": "kubernetes.io/pvc-protection", "persistentvolumes": "kubernetes.io/pv-protection"}


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    for resource, finalizer in FINALIZERS.items():
        if is_create_of(request, operation, resource) and finalizer not in (obj["metadata"].get("finalizers") or []):
            obj["metadata"]["finalizers"] = [*(obj["metadata"].get("finalizers") or []), finalizer]
