"""ValidatingAdmissionPolicy: rules in CEL for writes; `admission/validating_admission_policy.py` applies them."""

from .. import expressions
from ..errors import FieldError, invalid_value, required
from ..printers import AGE, NAME, integer, since
from ..resource import STATUS, Column, Resource
from ..webhooks import default_match


class ValidatingAdmissionPolicy(Resource):
    group, kind, plural = "admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"
    allow_unconditional_update = False
    categories = ("api-extensions",)
    namespaced = False
    has_generation = True
    subresources = STATUS
    columns = (NAME, integer("Validations"), Column("ParamKind"), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["failurePolicy"] = spec.get("failurePolicy") or "Fail"
        if spec.get("matchConstraints") is not None:
            default_match(spec["matchConstraints"])

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = [] if spec.get("matchConstraints") else [required("spec.matchConstraints")]
        if not spec.get("validations") and not spec.get("auditAnnotations"):
            found.append(required("spec.validations", "validations or auditAnnotations must contain at least one item"))
        for i, validation in enumerate(spec.get("validations") or []):
            if not (validation.get("expression") or "").strip():
                found.append(required(f"spec.validations[{i}].expression", "expression is not specified"))
        for field in ("matchConditions", "variables", "validations"):
            for i, item in enumerate(spec.get(field) or []):
                found += _validate_expression(item.get("expression") or "true", f"spec.{field}[{i}].expression")
        return found

    def row(self, obj: dict) -> list:
        spec, meta = obj["spec"], obj["metadata"]
        return [meta["name"], len(spec.get("validations") or []), param_kind(spec), since(meta.get("creationTimestamp"))]


def _validate_expression(text: str, path: str) -> list[FieldError]:
    try:
        expressions.program(text)
    except expressions.ExpressionError as error:
        return [invalid_value(path, text, str(error))]
    return []


def param_kind(spec: dict) -> str:
    kind = spec.get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"
