"""PriorityLevelConfiguration (`pkg/apis/flowcontrol`). Stored, as FlowSchemas are."""

from ..errors import FieldError, forbidden_field, not_supported, required
from ..printers import AGE, NAME, since
from ..resource import STATUS, Column, Resource


class PriorityLevelConfiguration(Resource):
    group, kind, plural = "flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "prioritylevelconfigurations"
    namespaced = False
    has_generation = True
    subresources = STATUS
    columns = (NAME, *map(Column, ("Type", "NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit")), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        if limited := spec.get("limited"):
            limited.setdefault("nominalConcurrencyShares", 30)
            limited.setdefault("lendablePercent", 0)
            if (queuing := limited.get("limitResponse", {}).get("queuing")) is not None:
                for field, value in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
                    queuing[field] = queuing.get(field) or value

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj["spec"], []
        match spec.get("type"):
            case "Exempt" if spec.get("limited"):
                found.append(forbidden_field("spec.limited", "must be nil if the type is not Limited"))
            case "Limited":
                if not spec.get("limited"):
                    found.append(required("spec.limited", "must not be empty when type is Limited"))
                elif (kind := spec["limited"].get("limitResponse", {}).get("type", "")) not in ("Queue", "Reject"):
                    found.append(not_supported("spec.limited.limitResponse.type", kind, ["Queue", "Reject"]))
            case kind if kind != "Exempt":
                found.append(not_supported("spec.type", kind or "", ["Exempt", "Limited"]))
        return found

    def row(self, obj: dict) -> list:
        spec, meta = obj["spec"], obj["metadata"]
        limited = spec.get("limited") or {}
        queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
        sizes = [queuing.get(field, "<none>") for field in ("queues", "handSize", "queueLengthLimit")]
        shares = limited.get("nominalConcurrencyShares", "<none>")
        return [meta["name"], spec["type"], shares, *sizes, since(meta.get("creationTimestamp"))]
