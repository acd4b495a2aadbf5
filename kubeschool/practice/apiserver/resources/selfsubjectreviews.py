"""SelfSubjectReview: who am I (`kubectl auth whoami`)."""

from ...clock import timestamp
from ..resource import Resource


class SelfSubjectReview(Resource):
    group, kind, plural = "authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"
    namespaced = False
    verbs = ("create",)
    stored = False

    def review(self, registry, request, obj: dict) -> dict:
        return {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "metadata": {"creationTimestamp": timestamp()},
            "status": {"userInfo": user_info(request.user)},
        }


def user_info(user) -> dict:
    info = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": dict(user.extra)}
    return {k: v for k, v in info.items() if v}
