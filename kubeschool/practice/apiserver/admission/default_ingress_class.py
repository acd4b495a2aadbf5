"""Ingresses without a class get the default one (`plugin/pkg/admission/network/defaultingressclass/admission.go`)."""

from .attributes import is_create_of

CLASSES, DEFAULT = "ingressclasses.networking.k8s.io", "ingressclass.kubernetes.io/is-default-class"


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "ingresses.networking.k8s.io"):
        return
    if obj["spec"].get("ingressClassName") or "kubernetes.io/ingress.class" in (obj["metadata"].get("annotations") or {}):
        return
    defaults = [c for c in client.list(CLASSES) if (c["metadata"].get("annotations") or {}).get(DEFAULT) == "true"]
    if defaults:
        obj["spec"]["ingressClassName"] = max(defaults, key=lambda c: c["metadata"]["creationTimestamp"])["metadata"]["name"]
