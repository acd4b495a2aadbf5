"""TokenReview: whose token is this (`pkg/registry/authentication/tokenreview/storage.go`)."""

from ..authentication import user_of_token
from ..errors import ApiError, bad_request
from ..resource import Resource
from .selfsubjectreviews import user_info


class TokenReview(Resource):
    group, kind, plural = "authentication.k8s.io", "TokenReview", "tokenreviews"
    namespaced = False
    verbs = ("create",)
    stored = False

    def review(self, registry, request, obj: dict) -> dict:
        token = (obj.get("spec") or {}).get("token")
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        audiences = obj["spec"].get("audiences") or []
        try:
            user = user_of_token(registry.tokens, registry.store, token, *audiences[:1])
            status = {
                "authenticated": True,
                "user": user_info(user),
                "audiences": audiences or ["https://kubernetes.default.svc.cluster.local"],
            }
        except ApiError:
            status = {"user": {}, "error": "invalid bearer token"}
        return {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "metadata": obj.get("metadata") or {},
            "spec": obj["spec"],
            "status": status,
        }
