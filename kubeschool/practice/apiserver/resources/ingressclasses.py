"""IngressClass (`pkg/apis/networking/validation/validation.go` ValidateIngressClass)."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_immutable


class IngressClass(Resource):
    group, kind, plural = "networking.k8s.io", "IngressClass", "ingressclasses"
    namespaced = False
    has_generation = True
    columns = (NAME, Column("Controller"), Column("Parameters"), AGE)

    def default(self, obj: dict) -> None:
        if parameters := (obj.get("spec") or {}).get("parameters"):
            parameters["scope"] = parameters.get("scope") or "Cluster"

    def validate(self, obj: dict) -> list[FieldError]:
        return [] if (obj.get("spec") or {}).get("controller") else [required("spec.controller")]

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        new, was = ((o.get("spec") or {}).get("controller") for o in (obj, old))
        return validate_immutable(new, was, "spec.controller")

    def row(self, obj: dict) -> list:
        spec, meta = obj.get("spec") or {}, obj["metadata"]
        return [meta["name"], spec.get("controller", ""), _parameters(spec.get("parameters")), since(meta.get("creationTimestamp"))]


def _parameters(ref: dict | None) -> str:
    if not ref:
        return "<none>"
    kind = f"{ref['kind']}.{ref['apiGroup']}" if ref.get("apiGroup") else ref["kind"]
    return f"{kind}/{ref['name']}"
