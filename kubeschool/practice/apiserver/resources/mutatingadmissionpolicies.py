"""MutatingAdmissionPolicy. Stored; practice evaluates no policies."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, integer, since
from ..resource import Column, Resource
from ..webhooks import default_match
from .validatingadmissionpolicies import param_kind


class MutatingAdmissionPolicy(Resource):
    group, kind, plural = "admissionregistration.k8s.io", "MutatingAdmissionPolicy", "mutatingadmissionpolicies"
    allow_unconditional_update = False
    categories = ("api-extensions",)
    namespaced = False
    has_generation = True
    columns = (NAME, integer("Mutations"), Column("ParamKind"), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["failurePolicy"] = spec.get("failurePolicy") or "Fail"
        if spec.get("matchConstraints") is not None:
            default_match(spec["matchConstraints"])

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        return [required(f"spec.{field}") for field in ("matchConstraints", "mutations", "reinvocationPolicy") if not spec.get(field)]

    def row(self, obj: dict) -> list:
        spec, meta = obj["spec"], obj["metadata"]
        return [meta["name"], len(spec.get("mutations") or []), param_kind(spec), since(meta.get("creationTimestamp"))]
