"""EndpointSlice (`pkg/apis/discovery/validation/validation.go`, printers.go printEndpointSlice)."""

from ..errors import FieldError, required, too_many
from ..names import validate_dns_subdomain
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import invalid_each, validate_enum, validate_immutable, validate_ip, validate_unique


class EndpointSlice(Resource):
    group, kind, plural = "discovery.k8s.io", "EndpointSlice", "endpointslices"
    has_generation = True
    columns = (NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE)

    def default(self, obj: dict) -> None:
        for port in obj.get("ports") or []:
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    def validate(self, obj: dict) -> list[FieldError]:
        endpoints, kind = obj.get("endpoints") or [], obj.get("addressType")
        found = validate_enum(kind, "addressType", ["FQDN", "IPv4", "IPv6"])
        if len(endpoints) > 1000:
            found.append(too_many("endpoints", len(endpoints), 1000))
        for i, endpoint in enumerate(endpoints):
            addresses = endpoint.get("addresses") or []
            if not addresses:
                found.append(required(f"endpoints[{i}].addresses", "must contain at least 1 address"))
            if len(addresses) > 100:
                found.append(too_many(f"endpoints[{i}].addresses", len(addresses), 100))
            for j, address in enumerate(addresses):
                at = f"endpoints[{i}].addresses[{j}]"
                found += invalid_each(at, address, validate_dns_subdomain(address)) if kind == "FQDN" else validate_ip(address, at)
        found += validate_unique(obj.get("ports") or [], "name", "ports")
        for i, port in enumerate(obj.get("ports") or []):
            found += validate_enum(port.get("protocol"), f"ports[{i}].protocol", ["SCTP", "TCP", "UDP"])
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return self.validate(obj) + validate_immutable(obj.get("addressType"), old.get("addressType"), "addressType")

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        ports = [str(p["port"]) if p.get("port") else "*" for p in obj.get("ports") or []]
        addresses = [a for e in obj.get("endpoints") or [] for a in e.get("addresses") or []]
        return [meta["name"], obj["addressType"], _first(ports), _first(addresses), since(meta.get("creationTimestamp"))]


def _first(items: list[str], limit: int = 3) -> str:
    more = f" + {len(items) - limit} more..." if len(items) > limit else ""
    return ",".join(items[:limit]) + more or "<unset>"
