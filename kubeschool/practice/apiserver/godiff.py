"""The difference of two specs as an API server's messages show it: a unified diff of the JSON of Go's internal types
(apimachinery `pkg/util/diff/diff.go`, `pkg/apis/core/types.go`).

Internal types have no JSON names: fields appear under their Go names, in the order of the struct, zero values included.
Field types come from `protobuf_fields.txt`; where the order of the struct is not that of the field numbers, `_ORDER` has it.
"""

import difflib
import json
from typing import Any

from .protobuf import fields_of, messages

_ORDER = {
    "core/v1.PodSpec": (
        "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds "
        "dnsPolicy nodeSelector serviceAccountName automountServiceAccountToken nodeName securityContext imagePullSecrets hostname "
        "subdomain setHostnameAsFQDN affinity schedulerName tolerations hostAliases priorityClassName priority preemptionPolicy "
        "dnsConfig readinessGates runtimeClassName overhead enableServiceLinks topologySpreadConstraints os schedulingGates "
        "resourceClaims resources hostnameOverride"
    ),
    "core/v1.Container": (
        "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules volumeMounts "
        "volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy "
        "imagePullPolicy securityContext stdin stdinOnce tty"
    ),
    "core/v1.PodSecurityContext": (
        "hostNetwork hostPID hostIPC shareProcessNamespace hostUsers seLinuxOptions windowsOptions runAsUser runAsGroup "
        "runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup fsGroupChangePolicy sysctls seccompProfile appArmorProfile"
    ),
}
_MOVED = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""Fields of v1.PodSpec that are in the security context internally."""
_ZERO = {"s": "", "?": False, "i": 0, "l": 0, "d": 0, "resource.Quantity": "0", "intstr.IntOrString": 0}
_INITIALISMS = ("aws", "csi", "dns", "fc", "fs", "gce", "grpc", "http", "ip", "iscsi", "nfs", "os", "rbd", "se", "tcp", "tty", "uid")


def spec_diff(message: str, old: dict, new: dict) -> str:
    """`message` as in protobuf_fields.txt, e.g. core/v1.PodSpec."""
    before, after = (json.dumps(_go_value(message, _internal(message, obj)), indent=1).splitlines() for obj in (old, new))
    return "".join(f"{line}\n" for line in list(difflib.unified_diff(before, after, n=3, lineterm=""))[2:])


def _internal(message: str, obj: dict) -> dict:
    if message != "core/v1.PodSpec":
        return obj
    moved = {name: obj[name] for name in _MOVED if name in obj}
    return {**obj, "securityContext": {**(obj.get("securityContext") or {}), **moved}}


def _go_value(type_: str, value: Any) -> Any:
    if type_ not in messages() or type_ in _ZERO or not isinstance(value, dict):
        return value
    fields = {field.name: field for field in fields_of(type_).values()}
    shown: dict[str, Any] = {}
    for name in _ORDER[type_].split() if type_ in _ORDER else fields:
        field = fields.get(name)
        if field is None:
            shown[_go_name(name)] = value.get(name, False)
        elif field.inline:
            shown |= _go_value(field.type, value)
        elif value.get(name) is not None:
            shown[_go_name(name)] = _present(field, value[name])
        elif field.repeated or field.pointer or field.type.startswith("{}"):
            shown[_go_name(name)] = None
        else:
            shown[_go_name(name)] = _ZERO[field.type] if field.type in _ZERO else _go_value(field.type, {})
    return shown


def _present(field, value: Any) -> Any:
    if field.repeated:
        return [_go_value(field.type, item) for item in value]
    return dict(sorted(value.items())) if field.type.startswith("{}") else _go_value(field.type, value)


def _go_name(field: str) -> str:
    head = field[: next((i for i, c in enumerate(field) if c.isupper()), len(field))]
    if head in _INITIALISMS:
        return head.upper() + field[len(head) :]
    return field[:1].upper() + field[1:]
