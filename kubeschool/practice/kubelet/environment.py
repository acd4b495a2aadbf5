"""A container's environment: env, envFrom, field references, `$(VAR)`, Service variables
(`pkg/kubelet/kubelet_pods.go` makeEnvironmentVariables, `pkg/kubelet/envvars/envvars.go`, `third_party/forked/golang/expansion`)."""
import math
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping

from ..apiserver import quantity
from ..apiserver.errors import ApiError

REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")

Get = Callable[[str, str, str], dict]
"""get(resource, namespace, name); raises ApiError 404."""


class ConfigError(Exception):
    """The container cannot be configured: CreateContainerConfigError, in the kubelet's words."""


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` by its value, left as it stands when there is none; `$$` is a dollar sign."""
    return REFERENCE.sub(lambda found: "$" if found[0] == "$$" else values.get(found[1], found[0]), text)


def expand_path(text: str, values: Mapping[str, str]) -> str:
    """A subPathExpr, whose references must all have a value. Raises ConfigError."""
    missing = next((found[1] for found in REFERENCE.finditer(text) if found[0] != "$$" and found[1] not in values), None)
    if missing is not None:
        raise ConfigError(f'missing value for "{missing}"')
    return expand(text, values)


def environment(pod: dict, container: dict, get: Get, services: Iterable[dict], allocatable: dict) -> list[tuple[str, str]]:
    """(name, value) pairs. `pod` has its addresses in status; the node's `allocatable` stands in for limits not set. Raises ConfigError."""
    sources = _Sources(pod["metadata"]["namespace"], get)
    links = _service_links(pod, services)
    values: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        for kind in ("configMap", "secret"):
            if reference := source.get(kind + "Ref"):
                data = sources.data(kind, reference["name"], reference.get("optional", False))
                values |= {source.get("prefix", "") + key: value.decode(errors="replace") for key, value in (data or {}).items()}
    for variable in container.get("env", ()):
        value, source = variable.get("value", ""), variable.get("valueFrom")
        if value:
            value = expand(value, {**links, **values})
        elif source:
            value = _resolve(source, pod, container, sources, allocatable)
            if value is None:
                continue
        values[variable["name"]] = value
    return list({**values, **{name: value for name, value in links.items() if name not in values}}.items())


def _resolve(source: dict, pod: dict, container: dict, sources: "_Sources", allocatable: dict) -> str | None:
    if reference := source.get("fieldRef"):
        return field_value(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return resource_value(pod, container, reference, allocatable)
    for kind in ("configMap", "secret"):
        if reference := source.get(kind + "KeyRef"):
            return sources.key(kind, reference["name"], reference["key"], reference.get("optional", False))
    return None


class _Sources:
    """ConfigMaps and Secrets of a namespace, each asked for once."""

    def __init__(self, namespace: str, get: Get):
        self._namespace, self._get = namespace, get
        self._found: dict[tuple[str, str], dict[str, bytes]] = {}

    def data(self, kind: str, name: str, optional: bool) -> dict[str, bytes] | None:
        if (kind, name) not in self._found:
            try:
                obj = self._get(kind.lower() + "s", self._namespace, name)
            except ApiError as error:
                if error.code == 404 and optional:
                    return None
                raise ConfigError(f'{kind.lower()} "{name}" not found' if error.code == 404 else error.message) from None
            self._found[kind, name] = contents(obj)
        return self._found[kind, name]

    def key(self, kind: str, name: str, key: str, optional: bool) -> str | None:
        data = self.data(kind, name, optional)
        if data is None:
            return None
        if key in data:
            return data[key].decode(errors="replace")
        if optional:
            return None
        raise ConfigError(f"couldn't find key {key} in {kind[0].upper() + kind[1:]} {self._namespace}/{name}")


def contents(obj: dict) -> dict[str, bytes]:
    """The files of a ConfigMap or Secret."""
    if obj["kind"] == "Secret":
        return {key: b64decode(value) for key, value in (obj.get("data") or {}).items()}
    text = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return text | {key: b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def field_value(pod: dict, path: str) -> str:
    """A downward API field (`pkg/fieldpath/fieldpath.go`); whole maps as sorted `key="value"` lines."""
    meta, status = pod["metadata"], pod.get("status", {})
    if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return (meta.get(found[1]) or {}).get(found[2], "")
    if path in ("metadata.labels", "metadata.annotations"):
        entries = sorted((meta.get(path.partition(".")[2]) or {}).items())
        return "\n".join(f"{key}={_quoted(value)}" for key, value in entries)
    if path in ("status.podIPs", "status.hostIPs"):
        return ",".join(entry["ip"] for entry in status.get(path.partition(".")[2], ()))
    section, _, name = path.partition(".")
    return str((pod.get(section) or {}).get(name, ""))


def _quoted(value: str) -> str:
    """Go's %q."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(letter, letter) for letter in value) + '"'


def resource_value(pod: dict, container: dict, reference: dict, allocatable: dict) -> str:
    """limits.cpu and the like, in units of the divisor, rounded up (`pkg/api/v1/resource/helpers.go` ExtractContainerResourceValue)."""
    named = reference.get("containerName")
    if named:
        container = next(c for c in pod["spec"]["containers"] + pod["spec"].get("initContainers", []) if c["name"] == named)
    section, _, resource = reference["resource"].partition(".")
    amounts = container.get("resources", {}).get(section) or {}
    amount = amounts.get(resource) or (allocatable.get(resource, 0) if section == "limits" else 0)
    divisor = quantity.parse(reference.get("divisor") or "1") or 1
    return str(math.ceil(quantity.parse(amount) / divisor))


def _service_links(pod: dict, services: Iterable[dict]) -> dict[str, str]:
    """Variables as Docker links had them, for the namespace's Services and always for the API server's."""
    namespace, every = pod["metadata"]["namespace"], pod["spec"].get("enableServiceLinks", True)
    chosen: dict[str, dict] = {}
    for service in services:
        meta = service["metadata"]
        if service["spec"].get("clusterIP", "None") in ("", "None"):
            continue
        if meta["namespace"] == "default" and meta["name"] == "kubernetes":
            chosen.setdefault(meta["name"], service)
        elif meta["namespace"] == namespace and every:
            chosen[meta["name"]] = service
    variables: dict[str, str] = {}
    for name, service in chosen.items():
        variables |= _link(name.upper().replace("-", "_"), service["spec"])
    return variables


def _link(prefix: str, spec: dict) -> dict[str, str]:
    ip, ports = spec["clusterIP"], spec.get("ports", [])
    if not ports:
        return {}
    variables = {f"{prefix}_SERVICE_HOST": ip, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            variables[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{ip}:{port['port']}"
        one = f"{prefix}_PORT_{port['port']}_{protocol}"
        if index == 0:
            variables[f"{prefix}_PORT"] = url
        variables |= {one: url, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": str(port["port"]), f"{one}_ADDR": ip}
    return variables
