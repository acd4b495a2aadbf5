"""ServiceCIDR: the range cluster IPs are taken from."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import STATUS, Column, Resource
from ..validation import validate_cidr


class ServiceCIDR(Resource):
    group, kind, plural = "networking.k8s.io", "ServiceCIDR", "servicecidrs"
    namespaced = False
    has_generation = True
    subresources = STATUS
    columns = (NAME, Column("CIDRs"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        cidrs = (obj.get("spec") or {}).get("cidrs") or []
        found = [] if cidrs else [required("spec.cidrs", "at least one CIDR required")]
        return found + [e for i, c in enumerate(cidrs) for e in validate_cidr(c, f"spec.cidrs[{i}]")]

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        return [meta["name"], ",".join((obj.get("spec") or {}).get("cidrs") or []), since(meta.get("creationTimestamp"))]
