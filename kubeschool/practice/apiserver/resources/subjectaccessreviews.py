"""SubjectAccessReview: may they do that (`pkg/registry/authorization/subjectaccessreview`, `pkg/apis/authorization/validation`)."""

from ..authorization import Attributes
from ..errors import FieldError, invalid, invalid_value
from ..resource import Resource
from ..user import User


class SubjectAccessReview(Resource):
    group, kind, plural = "authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews"
    namespaced = False
    verbs = ("create",)
    stored = False

    def review(self, registry, request, obj: dict) -> dict:
        spec = obj.get("spec") or {}
        found = validate_access(spec)
        if not spec.get("user") and not spec.get("groups"):
            found.append(invalid_value("spec.user", "", "at least one of user or group must be specified"))
        if found:
            raise invalid(f".{self.group}", "", found)
        user = User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), spec.get("extra") or {})
        return self.answer(registry, user, obj)

    def answer(self, registry, user: User, obj: dict) -> dict:
        spec = obj["spec"]
        allowed, reason = registry.authorizer.authorize(user, _attributes(spec))
        status = {"allowed": allowed, **({"reason": reason} if reason else {})}
        return {"kind": self.kind, "apiVersion": self.api_version, "metadata": obj.get("metadata") or {}, "spec": spec, "status": status}


def validate_access(spec: dict) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        detail = "cannot be specified in combination with resourceAttributes"
        return [invalid_value("spec.nonResourceAttributes", path, detail)]
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid_value("spec.resourceAttributes", None, detail)]
    return []


def _attributes(spec: dict) -> Attributes:
    if (path := spec.get("nonResourceAttributes")) is not None:
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    r = spec["resourceAttributes"]
    return Attributes(*(r.get(f, "") for f in ("verb", "group", "resource", "subresource", "namespace", "name")))
