"""PodSpec: defaults and rules, shared by Pod and every kind with a pod template.

Sources: `pkg/apis/core/v1/defaults.go`, `pkg/apis/core/validation/validation.go` (ValidatePodSpec, ValidatePodTemplateSpec).
"""

import re
from collections.abc import Iterator

from .errors import FieldError, duplicate, forbidden_field, invalid_value, not_supported, required, value_not_found
from .names import validate_dns_label, validate_dns_subdomain, validate_label_key, validate_label_value
from .quantity import parse as parse_quantity
from .selectors import from_label_selector, matches
from .validation import (
    MAX_INT32,
    NON_NEGATIVE,
    config_key_errors,
    env_name_errors,
    in_range,
    invalid_each,
    port_name_errors,
    validate_annotations,
    validate_enum,
    validate_ip,
    validate_label_selector,
    validate_labels,
    validate_name_field,
    validate_non_negative,
    validate_port_number,
    validate_port_number_or_name,
    validate_quantities,
    validate_unique,
)

PROTOCOLS = ["SCTP", "TCP", "UDP"]
RESTART_POLICIES = ["Always", "OnFailure", "Never"]
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_STANDARD_CONTAINER_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_CONVERTIBLE_FIELDS = ("metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase")
_FIELD_PATHS = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
]
_RESOURCE_FIELDS = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
]
_FILE_MODES = ("secret", "configMap", "downwardAPI", "projected")


def all_containers(spec: dict) -> Iterator[tuple[str, dict]]:
    """(field path below the spec, container) of init, main and ephemeral containers."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for i, container in enumerate(spec.get(kind) or []):
            yield f"{kind}[{i}]", container


# -- defaults ---------------------------------------------------------------------------------------------


def default_pod_spec(spec: dict) -> None:
    for field, value in (("dnsPolicy", "ClusterFirst"), ("restartPolicy", "Always"), ("schedulerName", "default-scheduler")):
        if not spec.get(field):
            spec[field] = value
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for _, container in all_containers(spec):
        _default_container(container, spec.get("hostNetwork", False))
    for volume in spec.get("volumes") or []:
        _default_volume(volume)
    for constraint in spec.get("topologySpreadConstraints") or []:
        if not constraint.get("whenUnsatisfiable"):
            constraint["whenUnsatisfiable"] = "DoNotSchedule"


def _default_container(container: dict, host_network: bool) -> None:
    container.setdefault("resources", {})
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = "Always" if image_tag(container.get("image", "")) == "latest" else "IfNotPresent"
    for port in container.get("ports") or []:
        if not port.get("protocol"):
            port["protocol"] = "TCP"
        if host_network and not port.get("hostPort"):
            port["hostPort"] = port.get("containerPort")
    for env in container.get("env") or []:
        _default_value_source(env.get("valueFrom") or {})
    for name in _PROBES:
        if probe := container.get(name):
            for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
                probe[field] = probe.get(field) or value
            _default_handler(probe)
            if "grpc" in probe:
                probe["grpc"].setdefault("service", "")
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_handler(handler)


def image_tag(image: str) -> str:
    """The tag of an image reference; `latest` without tag and digest (`pkg/util/parsers/parsers.go`)."""
    if "@" in image:
        return ""
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag or "latest"


def _default_handler(handler: dict) -> None:
    if get := handler.get("httpGet"):
        get["path"] = get.get("path") or "/"
        get["scheme"] = get.get("scheme") or "HTTP"


def _default_value_source(source: dict) -> None:
    if field := source.get("fieldRef"):
        field["apiVersion"] = field.get("apiVersion") or "v1"
    if resource := source.get("resourceFieldRef"):
        resource.setdefault("divisor", "0")


def _default_volume(volume: dict) -> None:
    if not any(isinstance(v, dict) for v in volume.values()):
        volume["emptyDir"] = {}
    for kind in _FILE_MODES:
        if kind in volume:
            volume[kind].setdefault("defaultMode", 420)
    for item in (volume.get("downwardAPI") or {}).get("items") or []:
        _default_value_source(item)
    for source in (volume.get("projected") or {}).get("sources") or []:
        if token := source.get("serviceAccountToken"):
            token["expirationSeconds"] = token.get("expirationSeconds") or 3600
        for item in (source.get("downwardAPI") or {}).get("items") or []:
            _default_value_source(item)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    if image := volume.get("image"):
        image["pullPolicy"] = image.get("pullPolicy") or ("Always" if image_tag(image.get("reference", "")) == "latest" else "IfNotPresent")
    if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


# -- pod template -----------------------------------------------------------------------------------------


def default_template(template: dict) -> None:
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def validate_template(template: dict, path: str, volumes: set[str] = frozenset()) -> list[FieldError]:
    meta = template.get("metadata") or {}
    errors = validate_labels(meta.get("labels"), f"{path}.labels")
    errors += validate_annotations(meta.get("annotations"), f"{path}.annotations")
    errors += validate_pod_spec(template.get("spec") or {}, f"{path}.spec", volumes)
    if (template.get("spec") or {}).get("ephemeralContainers"):
        errors.append(forbidden_field(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
    return errors


def validate_controlled_template(template: dict, selector: dict | None, path: str, volumes: set[str] = frozenset()) -> list[FieldError]:
    """A template whose pods a controller recognises by `selector` and keeps running (ValidatePodTemplateSpecForReplicaSet).

    `volumes` are names that come from elsewhere (a StatefulSet's claims).
    """
    errors = []
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector != {} and not validate_label_selector(selector or {}, "") and not matches(from_label_selector(selector), labels):
        errors.append(invalid_value(f"{path}.metadata.labels", labels, "`selector` does not match template `labels`"))
    errors += validate_template(template, path, volumes)
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy in RESTART_POLICIES and policy != "Always":
        errors.append(not_supported(f"{path}.spec.restartPolicy", policy, ["Always"]))
    if (template.get("spec") or {}).get("activeDeadlineSeconds") is not None:
        errors.append(forbidden_field(f"{path}.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"))
    return errors


# -- pod spec ---------------------------------------------------------------------------------------------


def validate_pod_spec(spec: dict, path: str = "spec", volumes: set[str] = frozenset()) -> list[FieldError]:
    volumes = {v.get("name") for v in spec.get("volumes") or []} | volumes
    errors = _validate_volumes(spec.get("volumes") or [], f"{path}.volumes")
    errors += _validate_containers(spec, volumes, path)
    errors += _validate_init_containers(spec, volumes, path)
    errors += _validate_ephemeral_containers(spec, volumes, path)
    errors += validate_enum(spec.get("restartPolicy"), f"{path}.restartPolicy", RESTART_POLICIES)
    errors += validate_enum(spec.get("dnsPolicy"), f"{path}.dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])
    errors += validate_labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    errors += _validate_pod_security_context(spec.get("securityContext") or {}, f"{path}.securityContext")
    errors += _validate_affinity(spec.get("affinity") or {}, f"{path}.affinity")
    errors += _validate_dns_config(spec, f"{path}.dnsConfig")
    for i, gate in enumerate(spec.get("readinessGates") or []):
        at = f"{path}.readinessGates[{i}].conditionType"
        errors += invalid_each(at, gate.get("conditionType", ""), validate_label_key(gate.get("conditionType", "")))
    for i, gate in enumerate(spec.get("schedulingGates") or []):
        at = f"{path}.schedulingGates[{i}].name"
        errors += invalid_each(at, gate.get("name", ""), validate_label_key(gate.get("name", "")))
    errors += validate_unique(spec.get("schedulingGates") or [], "name", f"{path}.schedulingGates")
    errors += _validate_topology_spread(spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints")
    for field in ("serviceAccountName", "nodeName"):
        if spec.get(field):
            errors += invalid_each(f"{path}.{field}", spec[field], validate_dns_subdomain(spec[field]))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= MAX_INT32:
        errors.append(invalid_value(f"{path}.activeDeadlineSeconds", deadline, in_range(1, MAX_INT32)))
    for field in ("hostname", "subdomain"):
        if spec.get(field):
            errors += invalid_each(f"{path}.{field}", spec[field], validate_dns_label(spec[field]))
    errors += validate_tolerations(spec.get("tolerations") or [], f"{path}.tolerations")
    for i, alias in enumerate(spec.get("hostAliases") or []):
        errors += validate_ip(alias.get("ip", ""), f"{path}.hostAliases[{i}].ip")
        for j, name in enumerate(alias.get("hostnames") or []):
            errors += invalid_each(f"{path}.hostAliases[{i}].hostnames[{j}]", name, validate_dns_subdomain(name))
    for field in ("priorityClassName", "runtimeClassName"):
        if spec.get(field):
            errors += invalid_each(f"{path}.{field}", spec[field], validate_dns_subdomain(spec[field]))
    if "preemptionPolicy" in spec:
        errors += validate_enum(spec["preemptionPolicy"], f"{path}.preemptionPolicy", ["PreemptLowerPriority", "Never"], needed=False)
    if spec.get("os"):
        errors += validate_enum(spec["os"].get("name"), f"{path}.os.name", ["linux", "windows"])
    return errors + validate_quantities(spec.get("overhead"), f"{path}.overhead")


def _validate_containers(spec: dict, volumes: set, path: str) -> list[FieldError]:
    containers = spec.get("containers") or []
    if not containers:
        return [required(f"{path}.containers")]
    errors, names, host_ports = [], set(), set()
    for i, container in enumerate(containers):
        at = f"{path}.containers[{i}]"
        errors += _validate_container(container, volumes, at)
        if container.get("name") and container["name"] in names:
            errors.append(duplicate(f"{at}.name", container["name"]))
        names.add(container.get("name"))
        errors += _validate_lifecycle(container, at)
        errors += _validate_probes(container, at)
        errors += _validate_restart_policy_of(container, at)
        for j, port in enumerate(container.get("ports") or []):
            if port.get("hostPort"):
                key = f"{port.get('protocol')}/{port.get('hostIP', '')}/{port['hostPort']}"
                if key in host_ports:
                    errors.append(duplicate(f"{at}.ports[{j}].hostPort", key))
                host_ports.add(key)
    return errors


def _validate_restart_policy_of(container: dict, at: str) -> list[FieldError]:
    """Main containers may have a restart policy of their own since 1.35 (ContainerRestartRules)."""
    policy = container.get("restartPolicy")
    return validate_enum(policy, f"{at}.restartPolicy", RESTART_POLICIES, needed=False)


def _validate_init_containers(spec: dict, volumes: set, path: str) -> list[FieldError]:
    errors = []
    names = {c.get("name") for c in spec.get("containers") or []}
    for i, container in enumerate(spec.get("initContainers") or []):
        at = f"{path}.initContainers[{i}]"
        sidecar = container.get("restartPolicy") == "Always"
        errors += _validate_container(container, volumes, at)
        if container.get("name") and container["name"] in names:
            errors.append(duplicate(f"{at}.name", container["name"]))
        names.add(container.get("name"))
        errors += _validate_restart_policy_of(container, at)
        if sidecar:
            errors += _validate_lifecycle(container, at) + _validate_probes(container, at)
            continue
        for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(field):
                errors.append(forbidden_field(f"{at}.{field}", "may not be set for init containers without restartPolicy=Always"))
    return errors


def _validate_ephemeral_containers(spec: dict, volumes: set, path: str) -> list[FieldError]:
    errors = []
    others = [c.get("name") for kind in ("containers", "initContainers") for c in spec.get(kind) or []]
    names = set(others)
    for i, container in enumerate(spec.get("ephemeralContainers") or []):
        at = f"{path}.ephemeralContainers[{i}]"
        errors += _validate_container(container, volumes, at)
        if container.get("name") and container["name"] in names:
            errors.append(duplicate(f"{at}.name", container["name"]))
        names.add(container.get("name"))
        for field in ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
            if container.get(field):
                errors.append(forbidden_field(f"{at}.{field}", "cannot be set for an Ephemeral Container"))
        if container.get("resources"):
            errors.append(forbidden_field(f"{at}.resources", "cannot be set for an Ephemeral Container"))
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.append(value_not_found(f"{at}.targetContainerName", target))
        for j, mount in enumerate(container.get("volumeMounts") or []):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    errors.append(forbidden_field(f"{at}.volumeMounts[{j}].{field}", "cannot be set for an Ephemeral Container"))
    return errors


# -- container --------------------------------------------------------------------------------------------


def _validate_container(container: dict, volumes: set, path: str) -> list[FieldError]:
    errors = validate_name_field(container.get("name"), f"{path}.name", validate_dns_label)
    errors += validate_image(container.get("image") or "", f"{path}.image")
    errors += validate_enum(
        container.get("terminationMessagePolicy"), f"{path}.terminationMessagePolicy", ["File", "FallbackToLogsOnError"]
    )
    errors += _validate_ports(container.get("ports") or [], f"{path}.ports")
    errors += _validate_env(container.get("env") or [], f"{path}.env")
    errors += _validate_env_from(container.get("envFrom") or [], f"{path}.envFrom")
    errors += _validate_volume_mounts(container, volumes, f"{path}.volumeMounts")
    errors += validate_enum(container.get("imagePullPolicy"), f"{path}.imagePullPolicy", ["Always", "IfNotPresent", "Never"])
    errors += validate_resource_requirements(container.get("resources") or {}, f"{path}.resources")
    return errors + _validate_security_context(container.get("securityContext") or {}, f"{path}.securityContext")


def validate_image(image: str, path: str) -> list[FieldError]:
    if not image:
        return [required(path)]
    if image != image.strip():
        return [invalid_value(path, image, "must not have leading or trailing whitespace")]
    return []


def _validate_ports(ports: list[dict], path: str) -> list[FieldError]:
    errors, names = [], set()
    for i, port in enumerate(ports):
        at = f"{path}[{i}]"
        if name := port.get("name"):
            found = port_name_errors(name)
            errors += invalid_each(f"{at}.name", name, found)
            if not found and name in names:
                errors.append(duplicate(f"{at}.name", name))
            names.add(name)
        if not port.get("containerPort"):
            errors.append(required(f"{at}.containerPort"))
        else:
            errors += validate_port_number(port["containerPort"], f"{at}.containerPort")
        if port.get("hostPort"):
            errors += validate_port_number(port["hostPort"], f"{at}.hostPort")
        errors += validate_enum(port.get("protocol"), f"{at}.protocol", PROTOCOLS)
    return errors


def _validate_env(env: list[dict], path: str) -> list[FieldError]:
    errors = []
    for i, variable in enumerate(env):
        at = f"{path}[{i}]"
        if not variable.get("name"):
            errors.append(required(f"{at}.name"))
        else:
            errors += invalid_each(f"{at}.name", variable["name"], env_name_errors(variable["name"]))
        if variable.get("valueFrom") is not None:
            errors += _validate_value_from(variable, f"{at}.valueFrom")
    return errors


def _validate_value_from(variable: dict, path: str) -> list[FieldError]:
    source, errors = variable["valueFrom"], []
    kinds = [k for k in ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef") if source.get(k) is not None]
    for kind in kinds:
        at, ref = f"{path}.{kind}", source[kind]
        if kind == "fieldRef":
            errors += _validate_field_ref(ref, at, _FIELD_PATHS)
        elif kind == "resourceFieldRef":
            errors += _validate_resource_field_ref(ref, at)
        elif kind in ("configMapKeyRef", "secretKeyRef"):
            errors += invalid_each(f"{at}.name", ref.get("name", ""), validate_dns_subdomain(ref.get("name", "")))
            errors += _validate_key(ref.get("key"), f"{at}.key")
    if variable.get("value"):
        if kinds:
            errors.append(invalid_value(path, "", "may not be specified when `value` is not empty"))
    elif not kinds:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        errors.append(invalid_value(path, "", detail))
    elif len(kinds) > 1:
        errors.append(invalid_value(path, "", "may not have more than one field specified at a time"))
    return errors


def _validate_key(key: str | None, path: str) -> list[FieldError]:
    return invalid_each(path, key, config_key_errors(key)) if key else [required(path)]


def _validate_field_ref(ref: dict, path: str, supported: list[str]) -> list[FieldError]:
    field = ref.get("fieldPath")
    if not field:
        return [required(f"{path}.fieldPath")]
    subscript = re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", field)
    if subscript:
        return invalid_each(path, subscript[2], validate_label_key(subscript[2].lower()))
    if "[" in field:
        return [invalid_value(f"{path}.fieldPath", field, "error converting fieldPath: field label does not support subscript")]
    if field in supported:
        return []
    if field in (*_FIELD_PATHS, *_CONVERTIBLE_FIELDS):
        return [not_supported(f"{path}.fieldPath", field, supported)]
    return [invalid_value(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")]


def _validate_resource_field_ref(ref: dict, path: str, volume: bool = False) -> list[FieldError]:
    if volume and not ref.get("containerName"):
        return [required(f"{path}.containerName")]
    resource = ref.get("resource")
    if not resource:
        return [required(f"{path}.resource")]
    if resource not in _RESOURCE_FIELDS and not re.match(r"(limits|requests)\.hugepages-", resource):
        return [not_supported(f"{path}.resource", resource, _RESOURCE_FIELDS)]
    return []


def _validate_env_from(sources: list[dict], path: str) -> list[FieldError]:
    errors = []
    for i, source in enumerate(sources):
        at = f"{path}[{i}]"
        if source.get("prefix"):
            errors += invalid_each(f"{at}.prefix", source["prefix"], env_name_errors(source["prefix"]))
        kinds = [k for k in ("configMapRef", "secretRef") if source.get(k) is not None]
        for kind in kinds:
            if not source[kind].get("name"):
                errors.append(required(f"{at}.{kind}.name"))
        if not kinds:
            errors.append(invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(kinds) > 1:
            errors.append(invalid_value(path, "", "may not have more than one field specified at a time"))
    return errors


def _validate_volume_mounts(container: dict, volumes: set, path: str) -> list[FieldError]:
    errors, paths = [], set()
    for i, mount in enumerate(container.get("volumeMounts") or []):
        at = f"{path}[{i}]"
        if not mount.get("name"):
            errors.append(required(f"{at}.name"))
        if mount.get("name") not in volumes:
            errors.append(value_not_found(f"{at}.name", mount.get("name", "")))
        where = mount.get("mountPath")
        if not where:
            errors.append(required(f"{at}.mountPath"))
        if where in paths:
            errors.append(invalid_value(f"{at}.mountPath", where, "must be unique"))
        paths.add(where)
        for field in ("subPath", "subPathExpr"):
            errors += _validate_local_path(mount.get(field) or "", f"{path}.{field}")
        if mount.get("subPath") and mount.get("subPathExpr"):
            errors.append(invalid_value(f"{at}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"))
        errors += validate_enum(
            mount.get("mountPropagation"), f"{at}.mountPropagation", ["Bidirectional", "HostToContainer", "None"], needed=False
        )
    return errors


def _validate_local_path(path_value: str, path: str) -> list[FieldError]:
    errors = []
    if path_value.startswith("/"):
        errors.append(invalid_value(path, path_value, "must be a relative path"))
    if ".." in path_value.split("/"):
        errors.append(invalid_value(path, path_value, "must not contain '..'"))
    return errors


def validate_resource_requirements(resources: dict, path: str) -> list[FieldError]:
    """Requests and limits of a container."""
    errors, limits = [], resources.get("limits") or {}
    for kind in ("limits", "requests"):
        for name, value in (resources.get(kind) or {}).items():
            errors += _validate_container_resource_name(name, f"{path}.{kind}[{name}]")
            if parse_quantity(value) < 0:
                errors.append(invalid_value(f"{path}.{kind}[{name}]", str(value), NON_NEGATIVE))
            if kind == "limits":
                continue
            if name in limits and parse_quantity(value) > parse_quantity(limits[name]):
                detail = f"must be less than or equal to {name} limit of {limits[name]}"
                errors.append(invalid_value(f"{path}.requests", str(value), detail))
            elif name not in limits and _is_extended(name):
                errors.append(required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
    return errors


def _is_extended(name: str) -> bool:
    return name.startswith("hugepages-") or ("/" in name and "kubernetes.io/" not in name)


def _validate_container_resource_name(name: str, path: str) -> list[FieldError]:
    errors = invalid_each(path, name, validate_label_key(name))
    if "/" in name or name in _STANDARD_CONTAINER_RESOURCES or name.startswith("hugepages-"):
        return errors
    unknown = [] if errors else [invalid_value(path, name, "must be a standard resource type or fully qualified")]
    return [*errors, *unknown, invalid_value(path, name, "must be a standard resource for containers")]


def _validate_security_context(context: dict, path: str) -> list[FieldError]:
    errors = []
    for field in ("runAsUser", "runAsGroup"):
        if context.get(field) is not None and not 0 <= context[field] <= MAX_INT32:
            errors.append(invalid_value(f"{path}.{field}", context[field], in_range(0, MAX_INT32)))
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            errors.append(invalid_value(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or []):
            errors.append(
                invalid_value(path, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
            )
    return errors


def _validate_pod_security_context(context: dict, path: str) -> list[FieldError]:
    errors = []
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        if context.get(field) is not None and not 0 <= context[field] <= MAX_INT32:
            errors.append(invalid_value(f"{path}.{field}", context[field], in_range(0, MAX_INT32)))
    return errors


# -- probes and hooks -------------------------------------------------------------------------------------


def _validate_handler(handler: dict, path: str, kinds: tuple[str, ...]) -> list[FieldError]:
    errors, count = [], 0
    for kind in kinds:
        action = handler.get(kind)
        if action is None:
            continue
        count += 1
        at = f"{path}.{kind}"
        if count > 1:
            errors.append(forbidden_field(at, "may not specify more than 1 handler type"))
        elif kind == "exec":
            if not action.get("command"):
                errors.append(required(f"{at}.command"))
        elif kind == "httpGet":
            if not action.get("path"):
                errors.append(required(f"{at}.path"))
            errors += validate_port_number_or_name(action.get("port", 0), f"{at}.port")
            errors += validate_enum(action.get("scheme"), f"{at}.scheme", ["HTTP", "HTTPS"])
            for i, header in enumerate(action.get("httpHeaders") or []):
                if not re.fullmatch("[-A-Za-z0-9]+", header.get("name", "")):
                    detail = (
                        "a valid HTTP header must consist of alphanumeric characters or '-' "
                        "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
                    )
                    errors.append(invalid_value(f"{at}.httpHeaders[{i}].name", header.get("name", ""), detail))
        elif kind == "tcpSocket":
            errors += validate_port_number_or_name(action.get("port", 0), f"{at}.port")
        elif kind == "grpc":
            errors += validate_port_number(action.get("port", 0), f"{at}.port")
        elif kind == "sleep" and (action.get("seconds") or 0) < 0:
            errors.append(invalid_value(f"{at}.seconds", action["seconds"], NON_NEGATIVE))
    if not count:
        errors.append(required(path, "must specify a handler type"))
    return errors


def _validate_lifecycle(container: dict, path: str) -> list[FieldError]:
    errors, lifecycle = [], container.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            errors += _validate_handler(lifecycle[hook], f"{path}.lifecycle.{hook}", ("exec", "httpGet", "tcpSocket", "sleep"))
    return errors


def _validate_probes(container: dict, path: str) -> list[FieldError]:
    errors = []
    for name in _PROBES:
        probe, at = container.get(name), f"{path}.{name}"
        if probe is None:
            continue
        errors += _validate_handler(probe, at, ("exec", "httpGet", "tcpSocket", "grpc"))
        for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
            errors += validate_non_negative(probe, field, at)
        grace = probe.get("terminationGracePeriodSeconds")
        if grace is not None and name == "readinessProbe":
            errors.append(invalid_value(f"{at}.terminationGracePeriodSeconds", grace, "must not be set for readinessProbes"))
        elif grace is not None and grace <= 0:
            errors.append(invalid_value(f"{at}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            errors.append(invalid_value(f"{at}.successThreshold", probe["successThreshold"], "must be 1"))
    return errors


# -- volumes ----------------------------------------------------------------------------------------------


def _validate_volumes(volumes: list[dict], path: str) -> list[FieldError]:
    errors, names = [], set()
    for i, volume in enumerate(volumes):
        at, name = f"{path}[{i}]", volume.get("name")
        source_errors = _validate_volume_source(volume, at)
        errors += source_errors + validate_name_field(name, f"{at}.name", validate_dns_label)
        if name and name in names:
            errors.append(duplicate(f"{at}.name", name))
        names.add(name)
    return errors


def _validate_volume_source(volume: dict, path: str) -> list[FieldError]:
    errors = []
    kinds = [k for k, v in volume.items() if k != "name" and v is not None]
    for extra in kinds[1:]:
        errors.append(forbidden_field(f"{path}.{extra}", "may not specify more than 1 volume type"))
    for kind in kinds[:1]:
        at, source = f"{path}.{kind}", volume[kind]
        if kind == "hostPath":
            if not source.get("path"):
                errors.append(required(f"{at}.path"))
            elif ".." in source["path"].split("/"):
                errors.append(invalid_value(f"{at}.path", source["path"], "must not contain '..'"))
            types = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"]
            if source.get("type", "") not in types:
                errors.append(not_supported(f"{at}.type", source["type"], types))
        elif kind == "emptyDir":
            limit = source.get("sizeLimit")
            if limit is not None and parse_quantity(limit) < 0:
                errors.append(forbidden_field(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity"))
        elif kind in ("secret", "configMap"):
            field = "secretName" if kind == "secret" else "name"
            if not source.get(field):
                errors.append(required(f"{at}.{field}"))
            errors += _validate_items(source, at)
        elif kind == "persistentVolumeClaim":
            if not source.get("claimName"):
                errors.append(required(f"{at}.claimName"))
        elif kind == "downwardAPI":
            errors += _validate_downward_items(source, at)
        elif kind == "projected":
            errors += _validate_projected(source, at)
        elif kind == "nfs":
            errors += [required(f"{at}.{f}") for f in ("server", "path") if not source.get(f)]
            if source.get("path") and not source["path"].startswith("/"):
                errors.append(invalid_value(f"{at}.path", source["path"], "must be an absolute path"))
        elif kind == "csi" and not source.get("driver"):
            errors.append(required(f"{at}.driver"))
        elif kind == "ephemeral" and not source.get("volumeClaimTemplate"):
            errors.append(required(f"{at}.volumeClaimTemplate"))
    return errors


def _validate_items(source: dict, path: str) -> list[FieldError]:
    errors = _validate_mode(source, "defaultMode", path)
    for i, item in enumerate(source.get("items") or []):
        at = f"{path}.items[{i}]"
        if not item.get("key"):
            errors.append(required(f"{at}.key"))
        errors += _validate_target_path(item, at) + _validate_mode(item, "mode", at)
    return errors


def _validate_mode(source: dict, field: str, path: str) -> list[FieldError]:
    mode = source.get(field)
    if mode is None or 0 <= mode <= 0o777:
        return []
    return [invalid_value(f"{path}.{field}", mode, "must be a number between 0 and 0777 (octal), both inclusive")]


def _validate_target_path(item: dict, path: str) -> list[FieldError]:
    target = item.get("path")
    if not target:
        return [required(f"{path}.path")]
    errors = _validate_local_path(target, f"{path}.path")
    if target.startswith("..") and not target.startswith("../") and target != "..":
        errors.append(invalid_value(f"{path}.path", target, "must not start with '..'"))
    return errors


def _validate_downward_items(source: dict, path: str) -> list[FieldError]:
    errors = _validate_mode(source, "defaultMode", path)
    for item in source.get("items") or []:
        errors += _validate_target_path(item, path)
        if item.get("fieldRef"):
            fields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"]
            errors += _validate_field_ref(item["fieldRef"], f"{path}.fieldRef", fields)
            if item.get("resourceFieldRef"):
                errors.append(invalid_value(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
        elif item.get("resourceFieldRef"):
            errors += _validate_resource_field_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", volume=True)
        else:
            errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors


def _validate_projected(source: dict, path: str) -> list[FieldError]:
    errors = _validate_mode(source, "defaultMode", path)
    for i, projection in enumerate(source.get("sources") or []):
        at = f"{path}.sources[{i}]"
        kinds = [k for k, v in projection.items() if v is not None]
        for extra in kinds[1:]:
            errors.append(forbidden_field(f"{at}.{extra}", "may not specify more than 1 volume type per source"))
        for kind in kinds[:1]:
            inner = projection[kind]
            if kind in ("secret", "configMap"):
                if not inner.get("name"):
                    errors.append(required(f"{at}.{kind}.name"))
                errors += _validate_items(inner, f"{at}.{kind}")
            elif kind == "downwardAPI":
                errors += _validate_downward_items(inner, f"{at}.{kind}")
            elif kind == "serviceAccountToken":
                seconds = inner.get("expirationSeconds", 3600)
                if seconds < 600:
                    detail = "may not specify a duration less than 10 minutes"
                    errors.append(invalid_value(f"{at}.{kind}.expirationSeconds", seconds, detail))
                if not inner.get("path"):
                    errors.append(required(f"{path}.path"))
    return errors


# -- where it may run -------------------------------------------------------------------------------------


def validate_tolerations(tolerations: list[dict], path: str) -> list[FieldError]:
    errors = []
    for i, toleration in enumerate(tolerations):
        at, operator = f"{path}[{i}]", toleration.get("operator") or "Equal"
        key, value, effect = toleration.get("key", ""), toleration.get("value", ""), toleration.get("effect", "")
        if key:
            errors += invalid_each(f"{at}.key", key, validate_label_key(key))
        elif operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(invalid_value(f"{at}.operator", toleration.get("operator", ""), detail))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            errors.append(invalid_value(f"{at}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
        if operator == "Equal":
            errors += invalid_each(f"{at}.operator", value, validate_label_value(value))
        elif operator == "Exists":
            if value:
                errors.append(invalid_value(f"{at}.operator", toleration, "value must be empty when `operator` is 'Exists'"))
        else:
            errors.append(not_supported(f"{at}.operator", operator, ["Equal", "Exists"]))
        if effect:
            errors += validate_taint_effect(effect, f"{at}.effect")
    return errors


def validate_taint_effect(effect: str, path: str) -> list[FieldError]:
    return validate_enum(effect, path, ["NoSchedule", "PreferNoSchedule", "NoExecute"])


def validate_node_selector(selector: dict, path: str) -> list[FieldError]:
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        return [required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")]
    errors = []
    for i, term in enumerate(terms):
        errors += _validate_node_selector_term(term, f"{path}.nodeSelectorTerms[{i}]")
    return errors


def _validate_node_selector_term(term: dict, path: str) -> list[FieldError]:
    errors = []
    for kind in ("matchExpressions", "matchFields"):
        for i, e in enumerate(term.get(kind) or []):
            at, operator, values = f"{path}.{kind}[{i}]", e.get("operator", ""), e.get("values") or []
            if operator in ("In", "NotIn"):
                if not values:
                    errors.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
            elif operator in ("Exists", "DoesNotExist"):
                if values:
                    errors.append(forbidden_field(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            elif operator in ("Gt", "Lt"):
                if len(values) != 1:
                    errors.append(required(f"{at}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"))
            else:
                errors.append(invalid_value(f"{at}.operator", operator, "not a valid selector operator"))
            errors += invalid_each(f"{at}.key", e.get("key", ""), validate_label_key(e.get("key", "")))
    return errors


def _validate_weight(term: dict, path: str) -> list[FieldError]:
    weight = term.get("weight", 0)
    return [] if 1 <= weight <= 100 else [invalid_value(f"{path}.weight", weight, "must be in the range 1-100")]


def _validate_affinity(affinity: dict, path: str) -> list[FieldError]:
    required_field, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
    errors = []
    if node := affinity.get("nodeAffinity"):
        at = f"{path}.nodeAffinity"
        if node.get(required_field) is not None:
            errors += validate_node_selector(node[required_field], f"{at}.{required_field}")
        for i, term in enumerate(node.get(preferred) or []):
            errors += _validate_weight(term, f"{at}.{preferred}[{i}]")
            errors += _validate_node_selector_term(term.get("preference") or {}, f"{at}.{preferred}[{i}].preference")
    for kind in ("podAffinity", "podAntiAffinity"):
        at, rules = f"{path}.{kind}", affinity.get(kind) or {}
        for i, term in enumerate(rules.get(required_field) or []):
            errors += _validate_pod_affinity_term(term, f"{at}.{required_field}[{i}]")
        for i, weighted in enumerate(rules.get(preferred) or []):
            errors += _validate_weight(weighted, f"{at}.{preferred}[{i}]")
            errors += _validate_pod_affinity_term(weighted.get("podAffinityTerm") or {}, f"{at}.{preferred}[{i}].podAffinityTerm")
    return errors


def _validate_pod_affinity_term(term: dict, path: str) -> list[FieldError]:
    errors = validate_label_selector(term.get("labelSelector"), f"{path}.labelSelector")
    errors += validate_label_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for i, namespace in enumerate(term.get("namespaces") or []):
        errors += invalid_each(f"{path}.namespaces[{i}]", namespace, validate_dns_label(namespace))
    key = term.get("topologyKey", "")
    if not key:
        errors.append(required(f"{path}.topologyKey", "can not be empty"))
    return errors + invalid_each(f"{path}.topologyKey", key, validate_label_key(key))


def _validate_topology_spread(constraints: list[dict], path: str) -> list[FieldError]:
    errors, seen = [], set()
    for i, constraint in enumerate(constraints):
        at = f"{path}[{i}]"
        if constraint.get("maxSkew", 0) <= 0:
            errors.append(invalid_value(f"{at}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero"))
        if not constraint.get("topologyKey"):
            errors.append(required(f"{at}.topologyKey", "can not be empty"))
        policy = constraint.get("whenUnsatisfiable", "")
        if policy not in ("DoNotSchedule", "ScheduleAnyway"):
            errors.append(not_supported(f"{at}.whenUnsatisfiable", policy, ["DoNotSchedule", "ScheduleAnyway"]))
        pair = (constraint.get("topologyKey"), policy)
        if pair in seen:
            errors.append(duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{pair[0]}, {pair[1]}}}"))
        seen.add(pair)
        domains = constraint.get("minDomains")
        if domains is not None and domains <= 0:
            errors.append(invalid_value(f"{at}.minDomains", domains, "must be greater than zero"))
        if domains is not None and policy != "DoNotSchedule":
            detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {policy}"
            errors.append(invalid_value(f"{at}.minDomains", domains, detail))
        errors += validate_label_selector(constraint.get("labelSelector"), f"{at}.labelSelector")
    return errors


def _validate_dns_config(spec: dict, path: str) -> list[FieldError]:
    config = spec.get("dnsConfig") or {}
    servers = config.get("nameservers") or []
    if spec.get("dnsPolicy") == "None" and spec.get("dnsConfig") is None:
        return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    if spec.get("dnsPolicy") == "None" and not servers:
        return [required(f"{path}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    errors = []
    if len(servers) > 3:
        errors.append(invalid_value(f"{path}.nameservers", servers, "must not have more than 3 nameservers"))
    for i, server in enumerate(servers):
        errors += validate_ip(server, f"{path}.nameservers[{i}]")
    for i, option in enumerate(config.get("options") or []):
        if not option.get("name"):
            errors.append(required(f"{path}.options[{i}].name", "must not be empty"))
    return errors
