"""Claims without a class get the default one (`plugin/pkg/admission/storage/storageclass/setdefault/admission.go`)."""

from .attributes import is_create_of

CLASSES = "storageclasses.storage.k8s.io"
DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "persistentvolumeclaims"):
        return
    annotations = obj["metadata"].get("annotations") or {}
    if "storageClassName" in obj["spec"] or "volume.beta.kubernetes.io/storage-class" in annotations:
        return
    if default := default_class(client):
        obj["spec"]["storageClassName"] = default["metadata"]["name"]


def default_class(client) -> dict | None:
    """The default StorageClass; the newest when several say so."""
    defaults = [c for c in client.list(CLASSES) if any((c["metadata"].get("annotations") or {}).get(a) == "true" for a in DEFAULT)]
    return max(defaults, key=lambda c: c["metadata"]["creationTimestamp"], default=None)
