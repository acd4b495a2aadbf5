"""Endpoints, the older form of EndpointSlice (printers.go formatEndpoints)."""

from ..errors import FieldError, required
from ..printers import AGE, NAME, since
from ..resource import Column, Resource
from ..validation import validate_enum, validate_ip, validate_port_number


class Endpoints(Resource):
    kind, plural, singular = "Endpoints", "endpoints", "endpoints"
    short_names = ("ep",)
    columns = (NAME, Column("Endpoints"), AGE)

    def default(self, obj: dict) -> None:
        for subset in obj.get("subsets") or []:
            for port in subset.get("ports") or []:
                port["protocol"] = port.get("protocol") or "TCP"

    def validate(self, obj: dict) -> list[FieldError]:
        found = []
        for i, subset in enumerate(obj.get("subsets") or []):
            at = f"subsets[{i}]"
            if not subset.get("addresses") and not subset.get("notReadyAddresses"):
                found.append(required(at, "must specify `addresses` or `notReadyAddresses`"))
            for field in ("addresses", "notReadyAddresses"):
                for j, address in enumerate(subset.get(field) or []):
                    found += validate_ip(address.get("ip", ""), f"{at}.{field}[{j}].ip")
            for j, port in enumerate(subset.get("ports") or []):
                if len(subset["ports"]) > 1 and not port.get("name"):
                    found.append(required(f"{at}.ports[{j}].name"))
                found += validate_port_number(port.get("port", 0), f"{at}.ports[{j}].port")
                found += validate_enum(port.get("protocol"), f"{at}.ports[{j}].protocol", ["SCTP", "TCP", "UDP"])
        return found

    def read_warnings(self) -> list[str]:
        return ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"]

    def row(self, obj: dict) -> list:
        pairs = []
        for subset in obj.get("subsets") or []:
            ports = subset.get("ports") or []
            for address in subset.get("addresses") or []:
                pairs += [f"{address['ip']}:{p['port']}" for p in ports] if ports else [address["ip"]]
        shown = ",".join(pairs[:3]) + (f" + {len(pairs) - 3} more..." if len(pairs) > 3 else "")
        return [obj["metadata"]["name"], shown or "<none>", since(obj["metadata"].get("creationTimestamp"))]
