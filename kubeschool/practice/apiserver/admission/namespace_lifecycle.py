"""Nothing new in a namespace that is missing or going (`k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go`)."""

from .attributes import refuse

IMMORTAL = ("default", "kube-system", "kube-public")


def mutate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    namespace = request.namespace
    if not namespace or not request.resource.namespaced:
        return
    phase = client.get("namespaces", "", namespace).get("status", {}).get("phase")
    if operation == "CREATE" and phase == "Terminating":
        refusal = refuse(
            request, obj, f"unable to create new content in namespace {namespace} because it is being terminated", generated=False
        )
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated", "field": "metadata.namespace"}
        refusal.details["causes"] = [cause]
        raise refusal


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    if operation == "DELETE" and request.resource.name == "namespaces" and request.name in IMMORTAL:
        raise refuse(request, old, "this namespace may not be deleted")
