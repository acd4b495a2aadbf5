"""PodDisruptionBudget (`pkg/apis/policy/validation/validation.go`, printers.go printPodDisruptionBudget)."""

from ..errors import FieldError, invalid_value
from ..printers import AGE, NAME, integer, since
from ..resource import STATUS, Column, Resource
from ..validation import validate_enum, validate_int_or_percent, validate_label_selector, validate_not_more_than_100_percent


class PodDisruptionBudget(Resource):
    group, kind, plural = "policy", "PodDisruptionBudget", "poddisruptionbudgets"
    short_names = ("pdb",)
    has_generation = True
    subresources = STATUS
    initial_status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
    columns = (NAME, Column("Min Available"), Column("Max Unavailable"), integer("Allowed Disruptions"), AGE)
    allow_unconditional_update = False

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj.get("spec") or {}, []
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            found.append(invalid_value("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
        for field in ("minAvailable", "maxUnavailable"):
            if spec.get(field) is not None:
                found += validate_int_or_percent(spec[field], f"spec.{field}")
                found += validate_not_more_than_100_percent(spec[field], f"spec.{field}")
        found += validate_label_selector(spec.get("selector"), "spec.selector")
        policy = spec.get("unhealthyPodEvictionPolicy")
        return found + validate_enum(policy, "spec.unhealthyPodEvictionPolicy", ["AlwaysAllow", "IfHealthyBudget"], needed=False)

    def row(self, obj: dict) -> list:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        shown = (str(spec[f]) if spec.get(f) is not None else "N/A" for f in ("minAvailable", "maxUnavailable"))
        return [obj["metadata"]["name"], *shown, status.get("disruptionsAllowed", 0), since(obj["metadata"].get("creationTimestamp"))]
