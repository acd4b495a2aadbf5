"""Node (`pkg/registry/core/node`, `pkg/apis/core/validation/validation.go` ValidateNode, printers.go printNode)."""

from ..errors import FieldError, duplicate, forbidden_field
from ..names import validate_label_key, validate_label_value
from ..podspec import validate_taint_effect
from ..printers import AGE, NAME, since
from ..resource import Column, Resource, Subresource
from ..validation import invalid_each, validate_cidr, validate_quantities

_ROLE = "node-role.kubernetes.io/"
_UPDATABLE = ("unschedulable", "taints", "configSource", "providerID", "podCIDR", "podCIDRs")

_NODE_INFO = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)


class Node(Resource):
    kind, plural = "Node", "nodes"
    short_names = ("no",)
    namespaced = False
    subresources = {"proxy": Subresource(("create", "delete", "get", "patch", "update")), "status": Subresource()}
    columns = (
        NAME,
        Column("Status"),
        Column("Roles"),
        AGE,
        Column("Version"),
        *(Column(name, priority=1) for name in ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")),
    )

    def default(self, obj: dict) -> None:
        obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        status.setdefault("daemonEndpoints", {}).setdefault("kubeletEndpoint", {}).setdefault("Port", 0)
        status["nodeInfo"] = dict.fromkeys(_NODE_INFO, "") | (status.get("nodeInfo") or {})
        if status.get("capacity") and not status.get("allocatable"):
            status["allocatable"] = dict(status["capacity"])

    def prepare_for_create(self, obj: dict) -> None:
        """A Node's status may come with its creation: kubelets register so."""

    def validate(self, obj: dict) -> list[FieldError]:
        found, seen = [], set()
        for i, taint in enumerate(obj["spec"].get("taints") or []):
            at, key = f"metadata.taints[{i}]", taint.get("key", "")
            found += invalid_each(f"{at}.key", key, validate_label_key(key))
            found += invalid_each(f"{at}.value", taint.get("value", ""), validate_label_value(taint.get("value", "")))
            found += validate_taint_effect(taint.get("effect", ""), f"{at}.effect")
            if (key, taint.get("effect")) in seen:
                go = {"Key": key, "Value": taint.get("value", ""), "Effect": taint.get("effect"), "TimeAdded": taint.get("timeAdded")}
                body = f"{duplicate(at, go).body}: taints must be unique by key and effect pair"
                found.append(FieldError("FieldValueDuplicate", at, body))
            seen.add((key, taint.get("effect")))
        for i, cidr in enumerate(obj["spec"].get("podCIDRs") or []):
            found += validate_cidr(cidr, f"spec.podCIDRs[{i}]")
        for field in ("capacity", "allocatable"):
            found += validate_quantities(obj.get("status", {}).get(field), f"status.{field}")
        return found

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        for field in ("podCIDR", "podCIDRs", "providerID"):
            if old["spec"].get(field) and obj["spec"].get(field) != old["spec"][field]:
                detail = (
                    'node updates may not change providerID except from "" to valid'
                    if field == "providerID"
                    else ('node updates may not change podCIDR except from "" to valid')
                )
                found.append(forbidden_field(f"spec.{field}", detail))
        if {k: v for k, v in obj["spec"].items() if k not in _UPDATABLE} != {k: v for k, v in old["spec"].items() if k not in _UPDATABLE}:
            detail = "node updates may only change labels, taints, or capacity"
            found.append(forbidden_field("spec", detail))
        return found

    def fields(self, obj: dict) -> dict[str, str]:
        return {"spec.unschedulable": str(bool(obj.get("spec", {}).get("unschedulable"))).lower()}

    def row(self, obj: dict) -> list:
        meta, status = obj["metadata"], obj.get("status", {})
        info, addresses = status.get("nodeInfo", {}), status.get("addresses") or []
        kernel = info.get("kernelVersion") or "<unknown>"
        if info.get("architecture"):
            kernel += f" ({info['architecture']})"
        return [
            meta["name"],
            _status(obj),
            ",".join(_roles(meta.get("labels") or {})) or "<none>",
            since(meta.get("creationTimestamp")),
            info.get("kubeletVersion", ""),
            *(next((a["address"] for a in addresses if a["type"] == t), "<none>") for t in ("InternalIP", "ExternalIP")),
            info.get("osImage") or "<unknown>",
            kernel,
            info.get("containerRuntimeVersion") or "<unknown>",
        ]


def _status(obj: dict) -> str:
    ready = next((c["status"] for c in obj.get("status", {}).get("conditions") or [] if c["type"] == "Ready"), None)
    state = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if obj.get("spec", {}).get("unschedulable") else state


def _roles(labels: dict) -> list[str]:
    roles = {k.removeprefix(_ROLE) for k in labels if k.startswith(_ROLE)} | {labels.get("kubernetes.io/role", "")}
    return sorted(roles - {""})
