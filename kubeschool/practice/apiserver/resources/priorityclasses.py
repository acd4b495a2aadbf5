"""PriorityClass (`pkg/apis/scheduling/validation/validation.go`)."""

from ..errors import FieldError, forbidden_field
from ..printers import AGE, NAME, integer, since
from ..resource import Column, Resource
from ..validation import validate_enum, validate_immutable

_SYSTEM = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_HIGHEST_USER = 1_000_000_000


class PriorityClass(Resource):
    group, kind, plural = "scheduling.k8s.io", "PriorityClass", "priorityclasses"
    short_names = ("pc",)
    namespaced = False
    has_generation = True
    columns = (NAME, integer("Value"), Column("Global-Default", type="boolean"), AGE, Column("PreemptionPolicy"))

    def default(self, obj: dict) -> None:
        obj.setdefault("value", 0)
        obj["preemptionPolicy"] = obj.get("preemptionPolicy") or "PreemptLowerPriority"

    def validate(self, obj: dict) -> list[FieldError]:
        name, found = obj["metadata"].get("name", ""), []
        if name.startswith("system-"):
            if _SYSTEM.get(name) != obj["value"]:
                why = f"{name} is not a known system priority class"
                detail = f"priority class names with 'system-' prefix are reserved for system use only. error: {why}"
                found.append(forbidden_field("metadata.name", detail))
        elif obj["value"] > _HIGHEST_USER:
            detail = f"maximum allowed value of a user defined priority is {_HIGHEST_USER}"
            found.append(forbidden_field("value", detail))
        return found + validate_enum(obj["preemptionPolicy"], "preemptionPolicy", ["PreemptLowerPriority", "Never"])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = [] if obj["value"] == old["value"] else [forbidden_field("value", "may not be changed in an update.")]
        return found + validate_immutable(obj["preemptionPolicy"], old.get("preemptionPolicy"), "preemptionPolicy")

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        return [
            meta["name"],
            obj.get("value", 0),
            bool(obj.get("globalDefault")),
            since(meta.get("creationTimestamp")),
            obj.get("preemptionPolicy", ""),
        ]
