"""Pods stay five minutes on a node that is lost (`plugin/pkg/admission/defaulttolerationseconds/admission.go`)."""

SECONDS = 300
KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if request.resource.name != "pods" or request.subresource or operation == "DELETE":
        return
    tolerations = obj["spec"].get("tolerations") or []
    for key in KEYS:
        if not any(t.get("key", "") in (key, "") and t.get("effect", "") in ("NoExecute", "") for t in tolerations):
            toleration = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
            tolerations = obj["spec"]["tolerations"] = [*tolerations, toleration]
