"""NetworkPolicy (`pkg/apis/networking/v1/defaults.go`, `pkg/apis/networking/validation/validation.go`)."""

from ..errors import FieldError, forbidden_field, invalid_value, required
from ..printers import AGE, NAME, format_label_selector, since
from ..resource import Column, Resource
from ..validation import invalid_each, port_name_errors, validate_cidr, validate_enum, validate_label_selector, validate_port_number


class NetworkPolicy(Resource):
    group, kind, plural = "networking.k8s.io", "NetworkPolicy", "networkpolicies"
    short_names = ("netpol",)
    has_generation = True
    columns = (NAME, Column("Pod-Selector"), AGE)

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        for rule in (spec.get("ingress") or []) + (spec.get("egress") or []):
            for port in rule.get("ports") or []:
                port["protocol"] = port.get("protocol") or "TCP"

    def validate(self, obj: dict) -> list[FieldError]:
        spec = obj["spec"]
        found = validate_label_selector(spec.get("podSelector"), "spec.podSelector")
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for i, rule in enumerate(spec.get(direction) or []):
                at = f"spec.{direction}[{i}]"
                for j, port in enumerate(rule.get("ports") or []):
                    found += _validate_port(port, f"{at}.ports[{j}]")
                for j, peer in enumerate(rule.get(peers) or []):
                    found += _validate_peer(peer, f"{at}.{peers}[{j}]")
        if len(spec["policyTypes"]) > 2:
            found.append(invalid_value("spec.policyTypes", spec["policyTypes"], "may not specify more than two policyTypes"))
            return found
        for i, type_ in enumerate(spec["policyTypes"]):
            found += validate_enum(type_, f"spec.policyTypes[{i}]", ["Ingress", "Egress"])
        return found

    def row(self, obj: dict) -> list:
        meta = obj["metadata"]
        return [meta["name"], format_label_selector(obj["spec"].get("podSelector")), since(meta.get("creationTimestamp"))]


def _validate_port(port: dict, path: str) -> list[FieldError]:
    found = validate_enum(port.get("protocol"), f"{path}.protocol", ["TCP", "UDP", "SCTP"])
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, int):
        found += validate_port_number(number, f"{path}.port")
        if end is not None and end < number:
            found.append(invalid_value(f"{path}.endPort", end, "must be greater than or equal to `port`"))
    elif number is not None:
        found += invalid_each(f"{path}.port", number, port_name_errors(number))
    if end is not None and not isinstance(number, int):
        if number is None:
            found.append(invalid_value(f"{path}.endPort", end, "may not be specified when `port` is not specified"))
        else:
            found.append(invalid_value(f"{path}.endPort", end, "may not be specified when `port` is non-numeric"))
    return found


def _validate_peer(peer: dict, path: str) -> list[FieldError]:
    found = []
    for field in ("podSelector", "namespaceSelector"):
        found += validate_label_selector(peer.get(field), f"{path}.{field}")
    given = [f for f in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(f) is not None]
    if not given:
        found.append(required(path, "must specify a peer"))
    elif "ipBlock" in given:
        block = peer["ipBlock"]
        found += validate_cidr(block.get("cidr", ""), f"{path}.ipBlock.cidr") if block.get("cidr") else [required(f"{path}.ipBlock.cidr")]
        for i, cidr in enumerate(block.get("except") or []):
            found += validate_cidr(cidr, f"{path}.ipBlock.except[{i}]")
        if len(given) > 1:
            found.append(forbidden_field(path, "may not specify both ipBlock and another peer"))
    return found
