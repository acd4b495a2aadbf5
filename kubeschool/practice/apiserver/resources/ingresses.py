"""Ingress (`pkg/apis/networking/validation/validation.go` ValidateIngress, printers.go printIngress)."""

import ipaddress

from ..errors import FieldError, invalid_value, required
from ..names import validate_dns_1035_label, validate_dns_subdomain
from ..printers import AGE, NAME, load_balancer_addresses, since
from ..resource import STATUS, Column, Resource
from ..validation import invalid_each, port_name_errors, validate_enum, validate_port_number

_PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"]


class Ingress(Resource):
    group, kind, plural = "networking.k8s.io", "Ingress", "ingresses"
    short_names = ("ing",)
    has_generation = True
    subresources = STATUS
    initial_status = {"loadBalancer": {}}
    columns = (NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE)

    def validate(self, obj: dict) -> list[FieldError]:
        spec, found = obj.get("spec") or {}, []
        if not spec.get("rules") and not spec.get("defaultBackend"):
            neither = "Invalid value: null: either `defaultBackend` or `rules` must be specified"
            found.append(FieldError("FieldValueInvalid", "spec", neither))
        if spec.get("defaultBackend"):
            found += _validate_backend(spec["defaultBackend"], "spec.defaultBackend")
        for i, rule in enumerate(spec.get("rules") or []):
            found += _validate_rule(rule, f"spec.rules[{i}]")
        for i, tls in enumerate(spec.get("tls") or []):
            for j, host in enumerate(tls.get("hosts") or []):
                found += _validate_host(host, f"spec.tls[{i}].hosts[{j}]")
        if spec.get("ingressClassName"):
            found += invalid_each("spec.ingressClassName", spec["ingressClassName"], validate_dns_subdomain(spec["ingressClassName"]))
        return found

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        annotation = "kubernetes.io/ingress.class"
        used = annotation in (obj["metadata"].get("annotations") or {})
        return [f"annotation \"{annotation}\" is deprecated, please use 'spec.ingressClassName' instead"] if used and not old else []

    def row(self, obj: dict) -> list:
        meta, spec = obj["metadata"], obj.get("spec") or {}
        legacy = (meta.get("annotations") or {}).get("kubernetes.io/ingress.class")
        return [
            meta["name"],
            spec.get("ingressClassName") or legacy or "<none>",
            _hosts(spec.get("rules") or []),
            load_balancer_addresses(obj.get("status") or {}),
            "80, 443" if spec.get("tls") else "80",
            since(meta.get("creationTimestamp")),
        ]


def _hosts(rules: list[dict]) -> str:
    hosts = [r["host"] for r in rules[:3] if r.get("host")]
    shown = ",".join(hosts) or "*"
    return f"{shown} + {len(rules) - 3} more..." if len(rules) > 3 and hosts else shown


def _validate_host(host: str, path: str) -> list[FieldError]:
    return invalid_each(path, host, validate_dns_subdomain(host.removeprefix("*.")))


def _validate_rule(rule: dict, path: str) -> list[FieldError]:
    found, host = [], rule.get("host")
    if host:
        try:
            ipaddress.ip_address(host)
            found.append(invalid_value(f"{path}.host", host, "must be a DNS name, not an IP address"))
        except ValueError:
            found += _validate_host(host, f"{path}.host")
    if rule.get("http") is None:
        return found
    paths = rule["http"].get("paths") or []
    if not paths:
        found.append(required(f"{path}.http.paths"))
    for i, entry in enumerate(paths):
        at, type_, where = f"{path}.http.paths[{i}]", entry.get("pathType"), entry.get("path") or ""
        if not type_:
            found.append(required(f"{at}.pathType", "pathType must be specified"))
            continue
        found += validate_enum(type_, f"{at}.pathType", _PATH_TYPES)
        if type_ in ("Exact", "Prefix"):
            if not where.startswith("/"):
                found.append(invalid_value(f"{at}.path", where, "must be an absolute path"))
            for bad in ("//", "/./", "/../", "%2f", "%2F"):
                if bad in where:
                    found.append(invalid_value(f"{at}.path", where, f"must not contain '{bad}'"))
            for bad in ("/..", "/."):
                if where.endswith(bad):
                    found.append(invalid_value(f"{at}.path", where, f"cannot end with '{bad}'"))
        elif type_ == "ImplementationSpecific" and where and not where.startswith("/"):
            found.append(invalid_value(f"{at}.path", where, "must be an absolute path"))
        found += _validate_backend(entry.get("backend") or {}, f"{at}.backend")
    return found


def _validate_backend(backend: dict, path: str) -> list[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service and resource:
        return [invalid_value(path, "", "cannot set both resource and service backends")]
    if resource:
        return []
    if not service:
        return [required(path, "either service or resource must be specified")] if not backend else []
    found = []
    if not service.get("name"):
        found.append(required(f"{path}.service.name"))
    else:
        found += invalid_each(f"{path}.service.name", service["name"], validate_dns_1035_label(service["name"]))
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        found.append(invalid_value(path, "", "cannot set both port name & port number"))
    elif port.get("name"):
        found += invalid_each(f"{path}.service.port.name", port["name"], port_name_errors(port["name"]))
    elif port.get("number"):
        found += validate_port_number(port["number"], f"{path}.service.port.number")
    else:
        found.append(required(path, "port name or number is required"))
    return found
