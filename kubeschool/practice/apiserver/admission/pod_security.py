"""Pod Security Standards by namespace label (`k8s.io/pod-security-admission/admission`, `policy/check_*.go`).

`enforce` refuses pods, `warn` warns of pods and of workloads that would make such pods. Versions are not told apart.
"""

from collections.abc import Iterator

from ..errors import ApiError
from ..podspec import all_containers
from .attributes import refuse

PREFIX = "pod-security.kubernetes.io/"
_TEMPLATES = (
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "cronjobs.batch",
    "replicationcontrollers",
    "podtemplates",
)
_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
}
_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
_RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}
_SECCOMP = ("RuntimeDefault", "Localhost")


def validate(client, request, operation: str, obj: dict | None, old: dict | None) -> None:
    resource = request.resource.name
    if operation == "DELETE" or request.subresource not in ("", "ephemeralcontainers") or resource not in ("pods", *_TEMPLATES):
        return
    labels = _labels(client, request.namespace)
    if not labels or (operation == "UPDATE" and resource == "pods" and obj["spec"] == old["spec"]):
        return
    spec = obj["spec"] if resource == "pods" else _template_spec(obj)
    for mode in ("enforce", "warn"):
        level, version = labels.get(PREFIX + mode, "privileged"), labels.get(f"{PREFIX}{mode}-version", "latest")
        found = ", ".join(violations(spec, level))
        if found and mode == "enforce" and resource == "pods":
            raise refuse(request, obj, f'violates PodSecurity "{level}:{version}": {found}')
        if found and mode == "warn":
            request.warnings.append(f'would violate PodSecurity "{level}:{version}": {found}')


def _labels(client, namespace: str) -> dict:
    try:
        labels = client.get("namespaces", "", namespace)["metadata"].get("labels") or {}
    except ApiError:
        return {}
    return {k: v for k, v in labels.items() if k.startswith(PREFIX)}


def _template_spec(obj: dict) -> dict:
    template = (
        obj.get("template") or obj["spec"].get("template") or obj["spec"].get("jobTemplate", {}).get("spec", {}).get("template") or {}
    )
    return template.get("spec") or {}


def violations(spec: dict, level: str) -> Iterator[str]:
    """What in a pod spec the level (privileged, baseline, restricted) forbids, as `<what> (<where>)`, sorted by check."""
    found = {}
    if level in ("baseline", "restricted"):
        found |= _baseline(spec)
    if level == "restricted":
        found |= _restricted(spec)
    for what in sorted(found, key=lambda w: _ORDER.index(w) if w in _ORDER else len(_ORDER)):
        yield f"{what} ({found[what]})"


_ORDER = (
    "allowPrivilegeEscalation != false",
    "non-default capabilities",
    "unrestricted capabilities",
    "host namespaces",
    "hostPath volumes",
    "hostPort",
    "procMount",
    "privileged",
    "restricted volume types",
    "runAsNonRoot != true",
    "runAsUser=0",
    "seccompProfile",
    "forbidden sysctls",
)


def _containers(spec: dict) -> list[dict]:
    return [c for _, c in all_containers(spec)]


def _context(container: dict) -> dict:
    return container.get("securityContext") or {}


def _who(containers: list[dict]) -> str:
    names = ", ".join(f'"{c["name"]}"' for c in containers)
    return f"container{'s' if len(containers) > 1 else ''} {names}"


def _baseline(spec: dict) -> dict[str, str]:
    found, containers = {}, _containers(spec)
    shared = [f for f in ("hostNetwork", "hostPID", "hostIPC") if spec.get(f)]
    if shared:
        found["host namespaces"] = ", ".join(f"{f}=true" for f in shared)
    if bad := [c for c in containers if _context(c).get("privileged")]:
        found["privileged"] = f"{_who(bad)} must not set securityContext.privileged=true"
    if bad := [c for c in containers if set((_context(c).get("capabilities") or {}).get("add") or []) - _BASELINE_CAPABILITIES]:
        added = sorted({a for c in bad for a in _context(c)["capabilities"]["add"]} - _BASELINE_CAPABILITIES)
        quoted = ", ".join(f'"{a}"' for a in added)
        found["non-default capabilities"] = f"{_who(bad)} must not include {quoted} in securityContext.capabilities.add"
    if bad := [v["name"] for v in spec.get("volumes") or [] if "hostPath" in v]:
        found["hostPath volumes"] = f"volume{'s' if len(bad) > 1 else ''} {', '.join(chr(34) + n + chr(34) for n in bad)}"
    if bad := [c for c in containers if any(p.get("hostPort") for p in c.get("ports") or [])]:
        ports = sorted({p["hostPort"] for c in bad for p in c["ports"] if p.get("hostPort")})
        verb = "uses" if len(bad) == 1 else "use"
        found["hostPort"] = f"{_who(bad)} {verb} hostPort{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}"
    if bad := [c for c in containers if _context(c).get("procMount", "Default") != "Default"]:
        found["procMount"] = f'{_who(bad)} must not set securityContext.procMount to "Unmasked"'
    sysctls = [s["name"] for s in (spec.get("securityContext") or {}).get("sysctls") or [] if s.get("name") not in _SAFE_SYSCTLS]
    if sysctls:
        found["forbidden sysctls"] = ", ".join(sysctls)
    contexts = [spec.get("securityContext") or {}, *map(_context, containers)]
    if any((c.get("seccompProfile") or {}).get("type") == "Unconfined" for c in contexts):
        bad = [c for c in containers if (_context(c).get("seccompProfile") or {}).get("type") == "Unconfined"]
        found["seccompProfile"] = f'{_who(bad) if bad else "pod"} must not set securityContext.seccompProfile.type to "Unconfined"'
    return found


def _restricted(spec: dict) -> dict[str, str]:
    found, containers, pod = {}, _containers(spec), spec.get("securityContext") or {}
    if bad := [c for c in containers if _context(c).get("allowPrivilegeEscalation") is not False]:
        found["allowPrivilegeEscalation != false"] = f"{_who(bad)} must set securityContext.allowPrivilegeEscalation=false"
    if bad := [c for c in containers if "ALL" not in ((_context(c).get("capabilities") or {}).get("drop") or [])]:
        found["unrestricted capabilities"] = f'{_who(bad)} must set securityContext.capabilities.drop=["ALL"]'
    if bad := [v for v in spec.get("volumes") or [] if not _RESTRICTED_VOLUMES & set(v)]:
        kinds = sorted({k for v in bad for k in v if k != "name"})
        names = ", ".join(f'"{v["name"]}"' for v in bad)
        text = f"volume{'s' if len(bad) > 1 else ''} {names} use{'s' if len(bad) == 1 else ''} restricted volume type"
        found["restricted volume types"] = f"{text}{'s' if len(kinds) > 1 else ''} {', '.join(chr(34) + k + chr(34) for k in kinds)}"
    if _context({"securityContext": pod}).get("runAsNonRoot") is not True or any(
        _context(c).get("runAsNonRoot") is False for c in containers
    ):
        wrong = [c for c in containers if _context(c).get("runAsNonRoot") is False]
        unset = [c for c in containers if "runAsNonRoot" not in _context(c)]
        if wrong:
            found["runAsNonRoot != true"] = f"{_who(wrong)} must not set securityContext.runAsNonRoot=false"
        elif pod.get("runAsNonRoot") is False:
            found["runAsNonRoot != true"] = "pod must not set securityContext.runAsNonRoot=false"
        elif unset:
            found["runAsNonRoot != true"] = f"pod or {_who(unset)} must set securityContext.runAsNonRoot=true"
    roots = [c for c in containers if _context(c).get("runAsUser") == 0]
    if pod.get("runAsUser") == 0 or roots:
        setters = (["pod"] if pod.get("runAsUser") == 0 else []) + ([_who(roots)] if roots else [])
        found["runAsUser=0"] = f"{' and '.join(setters)} must not set runAsUser=0"
    if (pod.get("seccompProfile") or {}).get("type") not in _SECCOMP:
        bad = [c for c in containers if (_context(c).get("seccompProfile") or {}).get("type") not in _SECCOMP]
        if bad:
            text = f'pod or {_who(bad)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
            found["seccompProfile"] = text
    return found
