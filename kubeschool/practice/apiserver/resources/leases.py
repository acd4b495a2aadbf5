"""Lease: who leads, which node lives (`pkg/apis/coordination/validation/validation.go`)."""

from ..errors import FieldError, invalid_value
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import NON_NEGATIVE


class Lease(Resource):
    group, kind, plural = "coordination.k8s.io", "Lease", "leases"
    columns = (NAME, Column("Holder"), AGE)
    allow_create_on_update = True
    allow_unconditional_update = False

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj.get("spec") or {}, []
        if "leaseDurationSeconds" in spec and spec["leaseDurationSeconds"] <= 0:
            found.append(invalid_value("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
        if (spec.get("leaseTransitions") or 0) < 0:
            found.append(invalid_value("spec.leaseTransitions", spec["leaseTransitions"], NON_NEGATIVE))
        return found

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        return [meta["name"], (obj.get("spec") or {}).get("holderIdentity", ""), since(meta.get("creationTimestamp"))]
