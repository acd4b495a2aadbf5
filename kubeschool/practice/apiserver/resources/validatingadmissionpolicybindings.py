"""ValidatingAdmissionPolicyBinding: where a ValidatingAdmissionPolicy applies, with which parameters, and what follows."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..webhooks import default_match


class ValidatingAdmissionPolicyBinding(Resource):
    group, kind, plural = "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
    allow_unconditional_update = False
    categories = ("api-extensions",)
    namespaced = False
    has_generation = True
    columns = (NAME, Column("PolicyName"), Column("ParamRef"), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("matchResources") is not None:
            default_match(spec["matchResources"])

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        return [required(f"spec.{field}") for field in self.needed if not spec.get(field)]

    needed: tuple[str, ...] = ("policyName", "validationActions")

    def row(self, obj: dict) -> list:
        spec, meta, ref = obj["spec"], obj["metadata"], obj["spec"].get("paramRef")
        shown = f"{ref['namespace']}/{ref.get('name', '')}" if ref and ref.get("namespace") else (ref or {}).get("name") or "<unset>"
        return [meta["name"], spec.get("policyName", ""), shown, since(meta.get("creationTimestamp"))]
