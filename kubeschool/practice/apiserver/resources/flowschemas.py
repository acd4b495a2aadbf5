"""FlowSchema (`pkg/apis/flowcontrol`). Stored; practice answers every request at once, so there is nothing to queue."""

from ..errors import FieldError, invalid_value, not_supported, required
from ..printers import AGE, NAME, integer, since
from ..resource import STATUS, Column, Resource

HIGHEST = 10000


class FlowSchema(Resource):
    group, kind, plural = "flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas"
    namespaced = False
    has_generation = True
    subresources = STATUS
    columns = (
        NAME, Column("PriorityLevel"), integer("MatchingPrecedence"), Column("DistinguisherMethod"), AGE, Column("MissingPL"),
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["matchingPrecedence"] = spec.get("matchingPrecedence") or 1000

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj["spec"], []
        precedence = spec["matchingPrecedence"]
        if precedence < 1:
            found.append(invalid_value("spec.matchingPrecedence", precedence, "must be a positive value"))
        if precedence > HIGHEST:
            found.append(invalid_value("spec.matchingPrecedence", precedence, f"must not be greater than {HIGHEST}"))
        method = (spec.get("distinguisherMethod") or {}).get("type", "ByUser")
        if method not in ("ByNamespace", "ByUser"):
            found.append(not_supported("spec.distinguisherMethod", method, ["ByNamespace", "ByUser"]))
        if not (spec.get("priorityLevelConfiguration") or {}).get("name"):
            found.append(required("spec.priorityLevelConfiguration.name", "must reference a priority level"))
        return found

    def row(self, obj: dict) -> list:
        spec, meta = obj["spec"], obj["metadata"]
        conditions = (obj.get("status") or {}).get("conditions") or ()
        dangling = next((c["status"] for c in conditions if c["type"] == "Dangling"), "?")
        method = (spec.get("distinguisherMethod") or {}).get("type", "<none>")
        level = spec["priorityLevelConfiguration"]["name"]
        return [meta["name"], level, spec["matchingPrecedence"], method, since(meta.get("creationTimestamp")), dangling]
