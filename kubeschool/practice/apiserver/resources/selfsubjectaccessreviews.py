"""SelfSubjectAccessReview: may I do that (`kubectl auth can-i`)."""

from ..errors import invalid
from .subjectaccessreviews import SubjectAccessReview, validate_access


class SelfSubjectAccessReview(SubjectAccessReview):
    kind, plural = "SelfSubjectAccessReview", "selfsubjectaccessreviews"

    def review(self, registry, request, obj: dict) -> dict:
        if found := validate_access(obj.get("spec") or {}):
            raise invalid(f".{self.group}", "", found)
        return self.answer(registry, request.user, obj)
