"""Pod (`pkg/registry/core/pod`, `pkg/apis/core/validation/validation.go` ValidatePod…, printers.go printPod)."""


from ...clock import timestamp
from ...deep_copy import deep_copy
from .. import errors
from ..errors import FieldError, forbidden_field, invalid_value, required
from ..godiff import spec_diff
from ..podspec import default_pod_spec, validate_pod_spec
from ..printers import AGE, NAME, since
from ..quantity import parse
from ..resource import Column, DeleteOptions, Resource, Subresource
from ..validation import MAX_INT32, in_range

_GET = ("get",)
_UPDATABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


class Pod(Resource):
    kind, plural = "Pod", "pods"
    short_names, categories = ("po",), ("all",)
    has_generation = True
    trigger = "spec.nodeName"
    returns_deleted = True
    subresources = {
        "attach": Subresource(("create", "get"), ("", "v1", "PodAttachOptions")),
        "binding": Subresource(("create",), ("", "v1", "Binding")),
        "ephemeralcontainers": Subresource(),
        "eviction": Subresource(("create",), ("policy", "v1", "Eviction")),
        "exec": Subresource(("create", "get"), ("", "v1", "PodExecOptions")),
        "log": Subresource(_GET),
        "portforward": Subresource(("create", "get"), ("", "v1", "PodPortForwardOptions")),
        "proxy": Subresource(("create", "delete", "get", "patch", "update"), ("", "v1", "PodProxyOptions")),
        "resize": Subresource(),
        "status": Subresource(),
    }
    columns = (
        NAME,
        Column("Ready"),
        Column("Status"),
        Column("Restarts"),
        AGE,
        Column("IP", priority=1),
        Column("Node", priority=1),
        Column("Nominated Node", priority=1),
        Column("Readiness Gates", priority=1),
    )

    def default(self, obj: dict) -> None:
        spec = obj.setdefault("spec", {})
        default_pod_spec(spec)
        spec.setdefault("enableServiceLinks", True)
        for kind in ("containers", "initContainers"):
            for container in spec.get(kind) or []:
                _requests_from_limits(container["resources"])

    def prepare_for_create(self, obj: dict) -> None:
        obj["status"] = {"phase": "Pending"}
        if obj["spec"].get("schedulingGates"):
            obj["status"]["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": timestamp(),
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                }
            ]

    def begin_create(self, registry, request, obj: dict) -> None:
        obj["status"]["qosClass"] = qos_class(obj["spec"])  # with what LimitRanger filled in

    def prepare_for_status_update(self, obj: dict, old: dict) -> None:
        super().prepare_for_status_update(obj, old)
        for field in ("deletionTimestamp", "ownerReferences"):
            if field in old["metadata"]:
                obj["metadata"][field] = old["metadata"][field]
        obj.setdefault("status", {})["qosClass"] = old["status"].get("qosClass") or qos_class(old["spec"])

    def prepare_for_binding_update(self, obj: dict, old: dict) -> None:
        """create_binding has set what a binding sets."""

    def validate_binding_update(self, obj: dict, old: dict) -> list[FieldError]:
        return []

    def prepare_for_ephemeralcontainers_update(self, obj: dict, old: dict) -> None:
        added = obj["spec"].get("ephemeralContainers")
        obj["status"], obj["spec"] = old.get("status", {}), deep_copy(old["spec"])
        obj["spec"].pop("ephemeralContainers", None)
        if added:
            obj["spec"]["ephemeralContainers"] = added

    def prepare_for_resize_update(self, obj: dict, old: dict) -> None:
        wanted = obj["spec"]
        obj["status"], obj["spec"] = old.get("status", {}), deep_copy(old["spec"])
        for kind in ("containers", "initContainers"):
            by_name = {c.get("name"): c for c in wanted.get(kind) or []}
            for container in obj["spec"].get(kind) or []:
                new = by_name.get(container["name"], container)
                for field in ("resources", "resizePolicy"):
                    if field in new:
                        container[field] = new[field]

    def validate(self, obj: dict) -> list[FieldError]:
        return validate_pod_spec(obj["spec"])

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        new, before = obj["spec"], old["spec"]
        found = self.validate(obj)
        for kind in ("containers", "initContainers"):
            if len(new.get(kind) or []) != len(before.get(kind) or []):
                return [*found, forbidden_field(f"spec.{kind}", "pod updates may not add or remove containers")]
        deadline, was = new.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
        path = "spec.activeDeadlineSeconds"
        if deadline is not None:
            if not 0 <= deadline <= MAX_INT32:
                return [*found, invalid_value(path, deadline, in_range(0, MAX_INT32))]
            if was is not None and was < deadline:
                return [*found, invalid_value(path, deadline, "must be less than or equal to previous value")]
        elif was is not None:
            found.append(invalid_value(path, None, "must not update from a positive integer to nil value"))
        found += _only_added_tolerations(new.get("tolerations") or [], before.get("tolerations") or [])
        found += _only_removed_gates(new, before)
        munged = _with_mutable_fields_of(new, before)
        if munged != before:
            detail = f"pod updates may not change fields other than {_UPDATABLE}\n{spec_diff('core/v1.PodSpec', before, munged)}"
            found.append(forbidden_field("spec", detail))
        return found

    def validate_status_update(self, obj: dict, old: dict) -> list[FieldError]:
        found, status, was = [], obj["status"], old.get("status", {})
        if old["spec"].get("restartPolicy") == "Always":
            return found
        for kind in ("containerStatuses", "initContainerStatuses"):
            for i, container in enumerate(was.get(kind) or []):
                ended = (container.get("state") or {}).get("terminated")
                if not ended or (old["spec"].get("restartPolicy") == "OnFailure" and ended.get("exitCode")):
                    continue
                new = next((c for c in status.get(kind) or [] if c["name"] == container["name"]), None)
                if new and "terminated" not in (new.get("state") or {}) and not _is_sidecar(old["spec"], container["name"]):
                    found.append(forbidden_field(f"status.{kind}[{i}].state", "may not be transitioned to non-terminated state"))
        return found

    def validate_ephemeralcontainers_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        now_there = {c.get("name"): c for c in obj["spec"].get("ephemeralContainers") or []}
        for was in old["spec"].get("ephemeralContainers") or []:
            if was["name"] not in now_there:
                detail = f'existing ephemeral containers "{was["name"]}" may not be removed\n'
                found.append(forbidden_field("spec.ephemeralContainers", detail))
            elif now_there[was["name"]] != was:
                detail = f'existing ephemeral containers "{was["name"]}" may not be changed\n'
                detail += spec_diff("core/v1.EphemeralContainer", was, now_there[was["name"]])
                found.append(forbidden_field("spec.ephemeralContainers", detail))
        return found

    def validate_resize_update(self, obj: dict, old: dict) -> list[FieldError]:
        found = self.validate(obj)
        if qos_class(obj["spec"]) != (old["status"].get("qosClass") or qos_class(old["spec"])):
            found.append(invalid_value("spec", qos_class(obj["spec"]), "Pod QOS Class may not change as a result of resizing"))
        return found

    def warnings(self, obj: dict, old: dict | None) -> list[str]:
        return pod_warnings(obj["spec"], old and old["spec"])

    def grace_period(self, obj: dict, options: DeleteOptions) -> int:
        """CheckGracefulDelete (`pkg/registry/core/pod/strategy.go`)."""
        if not obj["spec"].get("nodeName") or obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        if options.grace is not None:
            return 1 if options.grace < 0 else options.grace
        period = obj["spec"].get("terminationGracePeriodSeconds", 30)
        return 1 if period < 0 else period

    def fields(self, obj: dict) -> dict[str, str]:
        spec, status = obj.get("spec", {}), obj.get("status", {})
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": str(bool(spec.get("hostNetwork"))).lower(),
            "status.phase": status.get("phase", ""),
            "status.podIP": status.get("podIP", ""),
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    def row(self, obj: dict) -> list:
        spec, status = obj["spec"], obj.get("status", {})
        ready, total, restarts, state = _pod_state(obj)
        gates = spec.get("readinessGates") or []
        conditions = {c["type"]: c["status"] for c in status.get("conditions") or []}
        passed = sum(conditions.get(g["conditionType"]) == "True" for g in gates)
        ips = status.get("podIPs") or []
        return [
            obj["metadata"]["name"],
            f"{ready}/{total}",
            state,
            restarts,
            since(obj["metadata"].get("creationTimestamp")),
            ips[0]["ip"] if ips else status.get("podIP") or "<none>",
            spec.get("nodeName") or "<none>",
            status.get("nominatedNodeName") or "<none>",
            f"{passed}/{len(gates)}" if gates else "<none>",
        ]

    # -- subresources --------------------------------------------------------------------------------------

    def create_binding(self, registry, request, body: dict) -> dict:
        """Give the pod its node (BindingREST.setPodNodeAndMetadata)."""
        if body.get("metadata", {}).get("name", request.name) != request.name:
            raise errors.bad_request("name in URL does not match name in Binding object")
        target = body.get("target") or {}
        found = []
        if target.get("kind") not in (None, "", "Node"):
            found.append(errors.not_supported("target.kind", target["kind"], ["Node", "<empty>"]))
        if not target.get("name"):
            found.append(required("target.name"))
        if found:
            raise errors.invalid("Binding", request.name, found)
        pod = deep_copy(registry.get(request))
        if pod["metadata"].get("deletionTimestamp"):
            raise errors.conflict("pods/binding", request.name, f"pod {request.name} is being deleted, cannot be assigned to a host")
        if node := pod["spec"].get("nodeName"):
            raise errors.conflict("pods/binding", request.name, f'pod {request.name} is already assigned to node "{node}"')
        if pod["spec"].get("schedulingGates"):
            raise errors.conflict("pods/binding", request.name, f"pod {request.name} has non-empty .spec.schedulingGates")
        pod["spec"]["nodeName"] = target["name"]
        pod["metadata"].setdefault("annotations", {}).update(body.get("metadata", {}).get("annotations") or {})
        if not pod["metadata"]["annotations"]:
            del pod["metadata"]["annotations"]
        set_condition(pod["status"], {"type": "PodScheduled", "status": "True", "lastProbeTime": None})
        registry.update(request, pod)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    def create_eviction(self, registry, request, body: dict) -> dict:
        from ..eviction import evict

        return evict(registry, request, body)


def set_condition(status: dict, condition: dict) -> None:
    """Put `condition` in place of the one of its type; lastTransitionTime moves when its status changes."""
    conditions = status.setdefault("conditions", [])
    was = next((c for c in conditions if c["type"] == condition["type"]), None)
    moved = was is None or was["status"] != condition["status"]
    condition["lastTransitionTime"] = timestamp() if moved else was.get("lastTransitionTime")
    if was is None:
        conditions.append(condition)
    else:
        conditions[conditions.index(was)] = condition


def _requests_from_limits(resources: dict) -> None:
    if limits := resources.get("limits"):
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def qos_class(spec: dict) -> str:
    """`pkg/apis/core/v1/helper/qos/qos.go` ComputePodQOS."""
    requests: dict[str, int] = {}
    limits: dict[str, int] = {}
    guaranteed = True
    for container in (spec.get("containers") or []) + (spec.get("initContainers") or []):
        resources = container.get("resources") or {}
        for name, total, of in (("requests", requests, resources.get("requests")), ("limits", limits, resources.get("limits"))):
            positive = {k: parse(v) for k, v in (of or {}).items() if k in ("cpu", "memory") and parse(v) > 0}
            for key, value in positive.items():
                total[key] = total.get(key, 0) + value
            if name == "limits" and len(positive) < 2:
                guaranteed = False
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requests == limits else "Burstable"


def _is_sidecar(spec: dict, name: str) -> bool:
    return any(c["name"] == name and c.get("restartPolicy") == "Always" for c in spec.get("initContainers") or [])


def _only_added_tolerations(new: list[dict], old: list[dict]) -> list[FieldError]:
    def bare(toleration: dict) -> dict:
        return {k: v for k, v in toleration.items() if k != "tolerationSeconds"}

    kept = [bare(t) for t in new]
    if all(bare(t) in kept for t in old):
        return []
    return [forbidden_field("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]


def _only_removed_gates(new: dict, old: dict) -> list[FieldError]:
    there = [g["name"] for g in old.get("schedulingGates") or []]
    return [
        forbidden_field(f"spec.schedulingGates[{i}]", f"only deletion is allowed, but found new scheduling gate '{gate['name']}'")
        for i, gate in enumerate(new.get("schedulingGates") or [])
        if gate["name"] not in there
    ]


def _with_mutable_fields_of(new: dict, old: dict) -> dict:
    """`new` with every field that may change set back to `old`'s: what is left may not differ."""
    munged = deep_copy(new)
    for kind in ("containers", "initContainers"):
        for container, was in zip(munged.get(kind) or [], old.get(kind) or [], strict=False):
            container["image"] = was.get("image")
    for field in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _set_back(munged, old, field)
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        _set_back(munged, old, "terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        if (old.get("nodeSelector") or {}).items() <= (munged.get("nodeSelector") or {}).items():
            _set_back(munged, old, "nodeSelector")
        if not old.get("affinity"):
            _set_back(munged, old, "affinity")
    return munged


def _set_back(spec: dict, old: dict, field: str) -> None:
    if field in old:
        spec[field] = old[field]
    else:
        spec.pop(field, None)


def pod_warnings(spec: dict, old: dict | None = None, path: str = "spec") -> list[str]:
    """`pkg/api/pod/warnings.go`: what a learner is likely to write."""
    found = []
    for kind in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(kind) or []):
            seen: dict[str, int] = {}
            for j, env in enumerate(container.get("env") or []):
                if env.get("name") in seen:
                    hides = f'hides previous definition of "{env["name"]}", which may be dropped when using apply'
                    found.append(f"{path}.{kind}[{i}].env[{j}]: {hides}")
                seen[env.get("name", "")] = j
            for list_name in ("limits", "requests"):
                for name, value in ((container.get("resources") or {}).get(list_name) or {}).items():
                    if name in ("memory", "ephemeral-storage") and parse(value) % 1:
                        at = f"{path}.{kind}[{i}].resources.{list_name}[{name}]"
                        found.append(f'{at}: fractional byte value "{value}" is invalid, must be an integer')
    for i, secret in enumerate(spec.get("imagePullSecrets") or []):
        if not secret.get("name"):
            found.append(f'{path}.imagePullSecrets[{i}].name: invalid empty name ""')
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        found.append(f"{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1")
    return found


# -- the STATUS column ------------------------------------------------------------------------------------


def _pod_state(obj: dict) -> tuple[int, int, str, str]:
    """(ready, total, restarts cell, status cell)."""
    spec, status = obj["spec"], obj.get("status", {})
    sidecars = {c["name"] for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"}
    total, ready = len(spec.get("containers") or []) + len(sidecars), 0
    reason = status.get("reason") or status.get("phase", "")
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    if conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    restarts = _Restarts()
    sidecar_restarts = _Restarts()
    initializing = False
    for i, container in enumerate(status.get("initContainerStatuses") or []):
        is_sidecar = container["name"] in sidecars
        restarts.add(container)
        if is_sidecar:
            sidecar_restarts.add(container)
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated and terminated.get("exitCode") == 0:
            continue
        if is_sidecar and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if terminated:
            reason = f"Init:{_ended(terminated)}"
        elif waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            reason = f"Init:{waiting['reason']}"
        else:
            reason = f"Init:{i}/{len(spec.get('initContainers') or [])}"
        initializing = True
        break
    if not initializing or conditions.get("Initialized", {}).get("status") == "True":
        restarts = sidecar_restarts
        running = False
        failure = ""
        for container in reversed(status.get("containerStatuses") or []):
            restarts.add(container)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting")
            if waiting and waiting.get("reason"):
                reason = waiting["reason"]
            elif terminated:
                reason = _ended(terminated)
                if terminated.get("exitCode") or terminated.get("signal"):
                    failure = reason
            elif container.get("ready") and "running" in state:
                running = True
                ready += 1
        if reason == "Completed":
            if running and conditions.get("Ready", {}).get("status") == "True":
                reason = "Running"
            elif failure:
                reason = failure
            elif running:
                reason = "NotReady"
    if obj["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            reason = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return ready, total, str(restarts), reason


def _ended(terminated: dict) -> str:
    if terminated.get("reason"):
        return terminated["reason"]
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


class _Restarts:
    """The RESTARTS cell: `3`, or `3 (5m ago)`."""

    def __init__(self):
        self.count, self.last = 0, ""

    def add(self, container: dict) -> None:
        self.count += container.get("restartCount", 0)
        finished = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        self.last = max(self.last, finished)

    def __str__(self) -> str:
        return f"{self.count} ({since(self.last)} ago)" if self.count and self.last else str(self.count)
