"""LocalSubjectAccessReview: a SubjectAccessReview about one namespace."""

from ..errors import bad_request
from .subjectaccessreviews import SubjectAccessReview


class LocalSubjectAccessReview(SubjectAccessReview):
    kind, plural = "LocalSubjectAccessReview", "localsubjectaccessreviews"
    namespaced = True

    def review(self, registry, request, obj: dict) -> dict:
        asked = ((obj.get("spec") or {}).get("resourceAttributes") or {}).get("namespace", "")
        if asked != request.namespace:
            raise bad_request("spec.resourceAttributes.namespace must match namespace")
        return super().review(registry, request, obj)
