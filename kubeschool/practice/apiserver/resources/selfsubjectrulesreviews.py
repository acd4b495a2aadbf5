"""SelfSubjectRulesReview: everything I may do here (`kubectl auth can-i --list`)."""

from ..errors import bad_request
from ..resource import Resource


class SelfSubjectRulesReview(Resource):
    group, kind, plural = "authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews"
    namespaced = False
    verbs = ("create",)
    stored = False

    def review(self, registry, request, obj: dict) -> dict:
        namespace = (obj.get("spec") or {}).get("namespace")
        if not namespace:
            raise bad_request("no namespace on request")
        rules = registry.authorizer.rules_for(request.user, namespace)
        status = {
            "resourceRules": [r for r in rules if r.get("resources")],
            "nonResourceRules": [r for r in rules if r.get("nonResourceURLs")],
            "incomplete": False,
        }
        return {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "metadata": obj.get("metadata") or {},
            "spec": obj["spec"],
            "status": status,
        }
