"""Every pod runs as a service account, and finds its token (`plugin/pkg/admission/serviceaccount/admission.go`)."""

from ..errors import ApiError
from ..names import generate_name
from .attributes import is_create_of, refuse

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607
"""One hour and a bit: kubelets renew it, and the 7 seconds tell it from a token that was asked for."""


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if not is_create_of(request, operation, "pods"):
        return
    if "kubernetes.io/config.mirror" in (obj["metadata"].get("annotations") or {}):
        return
    spec = obj["spec"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    try:
        account = client.get("serviceaccounts", request.namespace, name)
    except ApiError:
        why = f'error looking up service account {request.namespace}/{name}: serviceaccount "{name}" not found'
        raise refuse(request, obj, why, generated=False) from None
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(spec)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = list(account["imagePullSecrets"])


def _mount_token(spec: dict) -> None:
    needing = [
        container
        for kind in ("initContainers", "containers")
        for container in spec.get(kind) or []
        if not any(m.get("mountPath") == MOUNT_PATH for m in container.get("volumeMounts") or [])
    ]
    if not needing:
        return
    name = generate_name("kube-api-access-")
    for container in needing:
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
    spec["volumes"] = [*(spec.get("volumes") or []), {"name": name, "projected": {"sources": _sources(), "defaultMode": 420}}]


def _sources() -> list[dict]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
