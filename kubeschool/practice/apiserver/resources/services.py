"""Service, and the allocation of cluster IPs and node ports.

Sources: `pkg/apis/core/v1/defaults.go` SetDefaults_Service, `pkg/apis/core/validation/validation.go` ValidateService,
`pkg/registry/core/service/storage/alloc.go`, printers.go printService.
"""

import copy
import ipaddress
import random

from ..errors import FieldError, duplicate, forbidden_field, internal_error, invalid, invalid_value, required
from ..names import validate_dns_1035_label, validate_dns_label, validate_dns_subdomain
from ..printers import AGE, NAME, format_labels, load_balancer_addresses, since
from ..resource import Column, Resource, Subresource
from ..validation import (
    in_range,
    invalid_each,
    port_name_errors,
    validate_cidr,
    validate_enum,
    validate_ip,
    validate_labels,
    validate_port_number,
)

CLUSTER_IPS = ipaddress.ip_network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)
KUBERNETES_IP = "10.96.0.1"
_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]


class Service(Resource):
    kind, plural = "Service", "services"
    short_names, categories = ("svc",), ("all",)
    subresources = {"proxy": Subresource(("create", "delete", "get", "patch", "update")), "status": Subresource()}
    initial_status = {"loadBalancer": {}}
    columns = (
        NAME,
        Column("Type"),
        Column("Cluster-IP"),
        Column("External-IP"),
        Column("Port(s)"),
        AGE,
        Column("Selector", priority=1),
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
        if spec["sessionAffinity"] == "None":
            spec.pop("sessionAffinityConfig", None)
        elif spec["sessionAffinity"] == "ClientIP":
            spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
        spec["type"] = spec.get("type") or "ClusterIP"
        for port in spec.get("ports") or []:
            port["protocol"] = port.get("protocol") or "TCP"
            if port.get("targetPort") in (None, 0, ""):
                port["targetPort"] = port.get("port", 0)
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
        if spec["type"] != "ExternalName":
            spec["internalTrafficPolicy"] = spec.get("internalTrafficPolicy") or "Cluster"
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_for_update(self, obj: dict, old: dict) -> None:
        """Keep what was allocated, drop what the new type has no use for (patchAllocatedValues, dropTypeDependentFields)."""
        super().prepare_for_update(obj, old)
        spec, was = obj["spec"], old["spec"]
        if _needs_cluster_ip(spec) and _needs_cluster_ip(was):
            if not spec.get("clusterIP"):
                for field in ("clusterIP", "clusterIPs"):
                    if field in was:
                        spec[field] = copy.copy(was[field])
            elif spec["clusterIP"] != was.get("clusterIP") and spec.get("clusterIPs") == was.get("clusterIPs"):
                spec["clusterIPs"] = [spec["clusterIP"]]
            for field in ("ipFamilies", "ipFamilyPolicy"):
                if not spec.get(field) and field in was:
                    spec[field] = copy.copy(was[field])
        elif not _needs_cluster_ip(spec) and spec.get("clusterIP") == was.get("clusterIP"):
            for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
                spec.pop(field, None)
        if _needs_node_ports(spec) and _needs_node_ports(was):
            given = {p["nodePort"] for p in spec.get("ports") or [] if p.get("nodePort")}
            for port in spec.get("ports") or []:
                same = next((p for p in was.get("ports") or [] if _key(p) == _key(port)), None)
                if not port.get("nodePort") and same and same.get("nodePort") not in given:
                    port["nodePort"] = same["nodePort"]
        elif not _needs_node_ports(spec) and _node_ports(spec) == _node_ports(was):
            for port in spec.get("ports") or []:
                port.pop("nodePort", None)
        for field, needed in (
            ("externalTrafficPolicy", spec["type"] in ("NodePort", "LoadBalancer")),
            ("allocateLoadBalancerNodePorts", spec["type"] == "LoadBalancer"),
            ("loadBalancerClass", spec["type"] == "LoadBalancer"),
            ("internalTrafficPolicy", spec["type"] != "ExternalName"),
            ("externalName", spec["type"] == "ExternalName"),
        ):
            if not needed and spec.get(field) == was.get(field):
                spec.pop(field, None)
        if not _needs_health_check_port(spec) and spec.get("healthCheckNodePort") == was.get("healthCheckNodePort"):
            spec.pop("healthCheckNodePort", None)

    def begin_create(self, registry, request, obj: dict) -> None:
        if not _validate_service(obj):
            _allocate(registry, obj, {})

    def begin_update(self, registry, request, obj: dict, old: dict) -> None:
        if request.subresource != "status" and not self.validate_update(obj, old):
            _allocate(registry, obj, old)

    def validate_name(self, name: str) -> list[str]:
        return validate_dns_1035_label(name)

    def validate(self, obj: dict) -> list[FieldError]:
        return _validate_service(obj)

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found, spec, was = [], obj["spec"], old["spec"]
        both = _needs_cluster_ip(was) and _needs_cluster_ip(spec)
        if both and was.get("clusterIPs") and spec.get("clusterIPs") != was["clusterIPs"]:
            found.append(invalid_value("spec.clusterIPs[0]", spec.get("clusterIPs") or [], "may not change once set"))
        return found + self.validate(obj)

    def row(self, obj: dict) -> list:
        spec = obj["spec"]
        return [
            obj["metadata"]["name"],
            spec["type"],
            spec.get("clusterIP") or "<none>",
            _external_ip(obj),
            ",".join(_port_cell(p) for p in spec.get("ports") or []) or "<none>",
            since(obj["metadata"].get("creationTimestamp")),
            format_labels(spec.get("selector")),
        ]


def _needs_cluster_ip(spec: dict) -> bool:
    return spec["type"] != "ExternalName"


def _needs_node_ports(spec: dict) -> bool:
    return spec["type"] == "NodePort" or (spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def _needs_health_check_port(spec: dict) -> bool:
    return spec["type"] == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _headless(spec: dict) -> bool:
    return spec.get("clusterIP") == "None" or spec.get("clusterIPs") == ["None"]


def _key(port: dict) -> tuple:
    return port.get("protocol"), port.get("port")


def _node_ports(spec: dict) -> list[int]:
    return [p["nodePort"] for p in spec.get("ports") or [] if p.get("nodePort")]


# -- table ------------------------------------------------------------------------------------------------


def _external_ip(obj: dict) -> str:
    spec = obj["spec"]
    external = spec.get("externalIPs") or []
    if spec["type"] == "ExternalName":
        return spec.get("externalName", "")
    if spec["type"] == "LoadBalancer":
        addresses = load_balancer_addresses(obj.get("status", {}))
        return ",".join([*filter(None, addresses.split(",")), *external]) or "<pending>"
    return ",".join(external) or "<none>"


def _port_cell(port: dict) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else port["port"]
    return f"{number}/{port['protocol']}"


# -- validation -------------------------------------------------------------------------------------------


def _validate_service(obj: dict) -> list[FieldError]:
    spec = obj["spec"]
    type_, ports = spec["type"], spec.get("ports") or []
    found = []
    if type_ == "LoadBalancer":
        for i, port in enumerate(ports):
            if port.get("port") == 10250:
                detail = "may not expose port 10250 externally since it is used by kubelet"
                found.append(invalid_value(f"spec.ports[{i}]", port["port"], detail))
    elif type_ == "ExternalName":
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if spec.get(field) or (field == "clusterIPs" and spec.get("clusterIP")):
                found.append(forbidden_field(f"spec.{field}", "may not be set for ExternalName services"))
        if spec.get("externalName"):
            found += invalid_each("spec.externalName", spec["externalName"], validate_dns_subdomain(spec["externalName"].removesuffix(".")))
        else:
            found.append(required("spec.externalName"))
    elif type_ in ("ClusterIP", "NodePort") and _headless(spec) and type_ == "NodePort":
        found.append(invalid_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services"))
    if type_ == "LoadBalancer" and _headless(spec):
        found.append(invalid_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services"))
    if not ports and not _headless(spec) and type_ != "ExternalName":
        found.append(required("spec.ports"))
    names: set[str] = set()
    for i, port in enumerate(ports):
        found += _validate_port(port, len(ports) > 1, _headless(spec), names, f"spec.ports[{i}]")
    found += validate_labels(spec.get("selector"), "spec.selector")
    found += validate_enum(spec.get("sessionAffinity"), "spec.sessionAffinity", ["ClientIP", "None"])
    seconds = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    if seconds is not None and not 0 < seconds <= 86400:
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        found.append(invalid_value(path, seconds, "must be greater than 0 and less than 86400"))
    found += _validate_cluster_ips(spec)
    for i, address in enumerate(spec.get("externalIPs") or []):
        found += validate_ip(address, f"spec.externalIPs[{i}]")
    found += validate_enum(type_, "spec.type", _TYPES)
    if type_ == "ClusterIP":
        for i, port in enumerate(ports):
            if port.get("nodePort"):
                found.append(forbidden_field(f"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'"))
    seen_node_ports, seen_ports = set(), set()
    for i, port in enumerate(ports):
        if port.get("nodePort"):
            key = (port["protocol"], port["nodePort"])
            if key in seen_node_ports:
                found.append(duplicate(f"spec.ports[{i}].nodePort", port["nodePort"]))
            seen_node_ports.add(key)
        if _key(port) in seen_ports:
            found.append(duplicate(f"spec.ports[{i}]", _go_port(port)))
        seen_ports.add(_key(port))
    for i, cidr in enumerate(spec.get("loadBalancerSourceRanges") or []):
        found += validate_cidr(cidr, f"spec.loadBalancerSourceRanges[{i}]")
    external = spec.get("externalTrafficPolicy")
    if type_ in ("NodePort", "LoadBalancer"):
        found += validate_enum(external, "spec.externalTrafficPolicy", ["Cluster", "Local"])
    elif external:
        detail = "may only be set for externally-accessible services"
        found.append(invalid_value("spec.externalTrafficPolicy", external, detail))
    if spec.get("internalTrafficPolicy"):
        found += validate_enum(spec["internalTrafficPolicy"], "spec.internalTrafficPolicy", ["Cluster", "Local"])
    return found


def _validate_port(port: dict, name_needed: bool, headless: bool, names: set[str], path: str) -> list[FieldError]:
    found, name = [], port.get("name")
    if name_needed and not name:
        found.append(required(f"{path}.name"))
    elif name:
        found += invalid_each(f"{path}.name", name, validate_dns_label(name))
        if name in names:
            found.append(duplicate(f"{path}.name", name))
        names.add(name)
    found += validate_port_number(port.get("port", 0), f"{path}.port")
    found += validate_enum(port.get("protocol"), f"{path}.protocol", ["SCTP", "TCP", "UDP"])
    target = port["targetPort"]
    if isinstance(target, int):
        found += [] if 1 <= target <= 65535 else [invalid_value(f"{path}.targetPort", target, in_range(1, 65535))]
    else:
        found += invalid_each(f"{path}.targetPort", target, port_name_errors(target))
    return found


def _validate_cluster_ips(spec: dict) -> list[FieldError]:
    found, ips = [], spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    if spec.get("clusterIP") and spec.get("clusterIPs") and spec["clusterIP"] != spec["clusterIPs"][0]:
        found.append(invalid_value("spec.clusterIPs", spec["clusterIPs"], "first value must match `clusterIP`"))
    if "None" in ips and len(ips) > 1:
        found.append(invalid_value("spec.clusterIPs", ips, "'None' must be the first and only value"))
    for i, address in enumerate(ips):
        if address != "None":
            found += validate_ip(address, f"spec.clusterIPs[{i}]")
    return found


def _go_port(port: dict) -> dict:
    """core.ServicePort as Go's JSON shows what identifies it."""
    return {"Name": "", "Protocol": port["protocol"], "AppProtocol": None, "Port": port["port"], "TargetPort": 0, "NodePort": 0}


# -- allocation -------------------------------------------------------------------------------------------


def _allocate(registry, obj: dict, old: dict) -> None:
    """Give a Service its cluster IP, families and node ports. Raises 422 for values that are taken or out of range."""
    spec, was = obj["spec"], old.get("spec", {})
    me = (obj["metadata"].get("namespace"), obj["metadata"]["name"])
    others = [s.object["spec"] for s in registry.store.list("services") if s.key[1:] != me]
    if _needs_cluster_ip(spec):
        if not spec.get("clusterIP") and spec.get("clusterIPs"):
            spec["clusterIP"] = spec["clusterIPs"][0]
        if not spec.get("clusterIP") or spec["clusterIP"] not in ("None", was.get("clusterIP")):
            spec["clusterIP"] = _cluster_ip(obj, spec.get("clusterIP"), {ip for o in others for ip in o.get("clusterIPs") or []})
        spec["clusterIPs"] = spec.get("clusterIPs") or [spec["clusterIP"]]
        selectorless = spec["clusterIP"] == "None" and not spec.get("selector")
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy") or ("RequireDualStack" if selectorless else "SingleStack")
        spec["ipFamilies"] = spec.get("ipFamilies") or (["IPv4", "IPv6"] if spec["ipFamilyPolicy"] == "RequireDualStack" else ["IPv4"])
    if _needs_node_ports(spec):
        taken = {(p.get("protocol"), p["nodePort"]) for o in others for p in o.get("ports") or [] if p.get("nodePort")}
        taken |= {(None, o["healthCheckNodePort"]) for o in others if o.get("healthCheckNodePort")}
        mine = {(p["protocol"], p["nodePort"]) for p in was.get("ports") or [] if p.get("nodePort")}
        for i, port in enumerate(spec.get("ports") or []):
            if port.get("nodePort") and (port["protocol"], port["nodePort"]) not in mine:
                _check_node_port(obj, port, taken, f"spec.ports[{i}].nodePort")
        for port in spec.get("ports") or []:
            if not port.get("nodePort"):
                port["nodePort"] = _node_port({n for _, n in taken} | set(_node_ports(spec)))
    if _needs_health_check_port(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = _node_port({n for o in [*others, spec] for n in _node_ports(o)})


def _cluster_ip(obj: dict, wanted: str | None, taken: set[str]) -> str:
    if not wanted:
        # `pkg/registry/core/service/ipallocator`: the lower part of the range is left for those who ask by number
        free = (str(CLUSTER_IPS[i]) for i in random.sample(range(257, CLUSTER_IPS.num_addresses - 1), 1000))
        found = next((ip for ip in free if ip not in taken), None)
        if found is None:
            raise internal_error("failed to allocate a serviceIP: range is full")
        return found
    if ipaddress.ip_address(wanted) not in CLUSTER_IPS:
        why = f"the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {CLUSTER_IPS}"
    elif wanted in taken:
        why = "provided IP is already allocated"
    else:
        return wanted
    detail = f"failed to allocate IP {wanted}: {why}"
    raise invalid("Service", obj["metadata"]["name"], [invalid_value("spec.clusterIPs", obj["spec"].get("clusterIPs") or [wanted], detail)])


def _check_node_port(obj: dict, port: dict, taken: set[tuple], path: str) -> None:
    number = port["nodePort"]
    if number not in NODE_PORTS:
        detail = f"provided port is not in the valid range. The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[-1]}"
    elif (port["protocol"], number) in taken or (None, number) in taken:
        detail = "provided port is already allocated"
    else:
        return
    raise invalid("Service", obj["metadata"]["name"], [invalid_value(path, number, detail)])


def _node_port(taken: set[int]) -> int:
    """A random free port above the static band (`portallocator`: the first 86 are left for those who ask by number)."""
    free = [p for p in NODE_PORTS[86:] if p not in taken] or [p for p in NODE_PORTS if p not in taken]
    if not free:
        raise internal_error("failed to allocate a nodePort: range is full")
    return random.choice(free)
