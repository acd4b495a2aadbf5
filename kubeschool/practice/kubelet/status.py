"""What a pod's status says, from what the runtime says (`pkg/kubelet/kubelet_pods.go` generateAPIPodStatus, convertToAPIContainerStatuses,
getPhase; `pkg/kubelet/status/generate.go`)."""
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..clock import timestamp
from .probes import Prober
from .runs import Run

KUBELET_CONDITIONS = (
    "PodResizePending",
    "PodResizeInProgress",
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)
UNKNOWN = "ContainerStatusUnknown"


def is_sidecar(container: dict) -> bool:
    """A restartable init container."""
    return container.get("restartPolicy") == "Always"


@dataclass
class Observed:
    """What the worker knows of a pod: runs of its containers, oldest first, why others wait, and the probes by container id."""

    runs: dict[str, list[Run]] = field(default_factory=dict)
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)
    probers: dict[str, Prober] = field(default_factory=dict)
    sandbox_ready: bool = False
    ips: list[str] = field(default_factory=list)
    host_ip: str = ""
    over: tuple[str, str] | None = None
    """(reason, message) when the kubelet itself ends the pod: DeadlineExceeded, Evicted."""
    allocation: dict[str, dict] = field(default_factory=dict)
    """The resources each container has been granted."""
    resize_pending: tuple[str, str] | None = None
    resizing: bool = False
    disrupted: str = ""
    """Why the kubelet disrupts the pod: the message of its condition DisruptionTarget."""
    terminal: bool = False
    """Whether the pod has succeeded or failed, though containers of it may still run."""
    ended: bool = False
    """The pod is over and no container runs."""

    def last(self, name: str) -> Run | None:
        runs = self.runs.get(name)
        return runs[-1] if runs else None


def pod_status(pod: dict, seen: Observed) -> dict:
    """The whole status of `pod`, as it should be written now."""
    spec, old = pod["spec"], pod.get("status", {})
    status = {k: old[k] for k in ("nominatedNodeName", "resourceClaimStatuses", "qosClass", "extendedResourceClaimStatus") if k in old}
    initializing = bool(spec.get("initContainers"))
    groups = {}
    for kind, key in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses"),
                      ("ephemeralContainers", "ephemeralContainerStatuses")):
        if spec.get(kind):
            before = {s["name"]: s for s in old.get(key, ())}
            groups[key] = [_container_status(pod, c, kind, before.get(c["name"]), seen, initializing) for c in spec[kind]]
            if kind != "initContainers":
                groups[key].sort(key=lambda s: s["name"])
    init, main = groups.get("initContainerStatuses", []), groups.get("containerStatuses", [])
    if seen.ended:
        _end_all(init, main)
    phase = _phase(spec, init, main, seen)
    if old.get("phase") in ("Succeeded", "Failed"):
        phase = old["phase"]
    reason, message = old.get("reason"), old.get("message")
    seen.terminal = phase in ("Succeeded", "Failed")
    if seen.over and seen.ended:
        phase, (reason, message) = "Failed", seen.over
    elif seen.terminal and not seen.ended and any("running" in s["state"] for group in groups.values() for s in group):
        phase = old.get("phase", "Running")  # a pod is not over before its containers are (status_manager.go mergePodStatus)
    elif phase != old.get("phase"):
        reason = message = None
    generation = pod["metadata"].get("generation")
    status |= {"phase": phase, "startTime": old.get("startTime") or timestamp(), "hostIP": seen.host_ip, "hostIPs": [{"ip": seen.host_ip}]}
    status |= {k: v for k, v in (("reason", reason), ("message", message), ("observedGeneration", generation)) if v}
    if ips := seen.ips or [entry["ip"] for entry in old.get("podIPs", ())]:
        status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    status["conditions"] = _conditions(pod, old, init + main, phase, seen, generation)
    return status | groups


# -- containers --------------------------------------------------------------------------------------------


def _end_all(init: list[dict], main: list[dict]) -> None:
    """Containers of an ended pod that never ran have failed, unless init containers held them back
    (status_manager.go TerminatePod, hasPodInitialized)."""
    unknown = {"exitCode": 137, "reason": UNKNOWN, "message": "The container could not be located when the pod was terminated"}
    tried = [n for n, status in enumerate(init) if "terminated" in status["state"] or status["restartCount"]]
    due = init[: tried[-1] + 1] if tried else []
    ran = any("waiting" not in status["state"] or status["lastState"] for status in main)
    if not init or ran or init[-1]["state"].get("terminated", {}).get("exitCode") == 0:
        due = due + main
    for status in due:
        if "terminated" not in status["state"]:
            status["state"] = {"terminated": {**unknown, "startedAt": None, "finishedAt": None}}


def _container_status(pod: dict, container: dict, kind: str, old: dict | None, seen: Observed, initializing: bool) -> dict:
    name = container["name"]
    runs = seen.runs.get(name, [])
    waiting = {"waiting": {"reason": "PodInitializing" if initializing else "ContainerCreating"}}
    status = {"name": name, "state": waiting, "lastState": {}, "ready": False, "restartCount": 0}
    status |= {"image": container["image"], "imageID": ""}
    if runs:
        status |= {"state": runs[-1].state(), "restartCount": runs[-1].restart_count, "image": runs[-1].image, "imageID": runs[-1].image_id}
        status["containerID"] = runs[-1].container_id
        if len(runs) > 1:
            status["lastState"] = runs[-2].state()
        elif old:
            status["lastState"] = old.get("lastState", {})
    elif old:
        status |= {"restartCount": old.get("restartCount", 0), "lastState": old.get("lastState", {})}
    if name in seen.waiting and _restarts(pod, container, kind, runs):
        reason, message = seen.waiting[name]
        if "terminated" in status["state"]:
            status["lastState"] = status["state"]
        status["state"] = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    _resources(status, seen.allocation.get(name, container.get("resources", {})), runs)
    status["started"], status["ready"] = _started_and_ready(container, kind, status, seen.probers)
    if mounts := container.get("volumeMounts"):
        status["volumeMounts"] = [_volume_mount(mount) for mount in mounts]
    return status


def _restarts(pod: dict, container: dict, kind: str, runs: list[Run]) -> bool:
    """Whether the container is to be started (again) by the next sync (`pkg/kubelet/container/helpers.go` ShouldContainerBeRestarted)."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    if not runs:
        return True
    if runs[-1].running or kind == "ephemeralContainers":
        return False
    if kind == "initContainers":
        return is_sidecar(container) or (runs[-1].exit_code != 0 and pod["spec"].get("restartPolicy") != "Never")
    return should_restart(pod["spec"], container, runs[-1])


def should_restart(spec: dict, container: dict, run: Run) -> bool:
    """Whether the restart policy, the container's own first, wants an ended container back."""
    for rule in container.get("restartPolicyRules", ()):
        codes = rule.get("exitCodes", {})
        if rule.get("action") == "Restart" and (run.exit_code in codes.get("values", ())) == (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or spec.get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and run.exit_code != 0)


def _resources(status: dict, resources: dict, runs: list[Run]) -> None:
    if not runs:
        return
    kept = {k: resources[k] for k in ("limits", "requests") if resources.get(k)}
    if runs[-1].running:
        status["resources"] = kept
        if "requests" in kept:
            status["allocatedResources"] = kept["requests"]
    if user := runs[-1].user:
        status["user"] = {"linux": user}


def _started_and_ready(container: dict, kind: str, status: dict, probers: dict[str, Prober]) -> tuple[bool, bool]:
    """`pkg/kubelet/prober/prober_manager.go` UpdatePodStatus."""
    state = status["state"]
    if kind == "initContainers" and not is_sidecar(container):
        return "running" in state, state.get("terminated", {}).get("exitCode") == 0
    prober = probers.get(status.get("containerID", ""))
    if "running" not in state or prober is None:
        return False, False
    return prober.started, kind != "ephemeralContainers" and prober.ready


def _volume_mount(mount: dict) -> dict:
    shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
    return {**shown, "readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else shown


# -- phase -------------------------------------------------------------------------------------------------


def _phase(spec: dict, init: list[dict], main: list[dict], seen: Observed) -> str:
    pending = failed = waiting = running = stopped = succeeded = 0
    for container, status in zip(spec.get("initContainers", ()), init, strict=True):
        state, last = status["state"], status["lastState"].get("terminated")
        if is_sidecar(container):
            if ("waiting" in state and not last) or ("running" in state and not status["started"]):
                pending += 1
            continue
        ended = state.get("terminated") or ("waiting" in state and last)
        if "running" in state or not ended:
            pending += 1
        elif ended["exitCode"] != 0:
            failed += 1
            pending += "waiting" in state
        elif "waiting" in state:
            pending += 1
    for status in main:
        state, last = status["state"], status["lastState"].get("terminated")
        if "running" in state:
            running += 1
        elif "terminated" in state or last:
            stopped += 1
            succeeded += "terminated" in state and state["terminated"]["exitCode"] == 0
        else:
            waiting += 1
    policy = spec.get("restartPolicy", "Always")
    if failed and policy == "Never":
        return "Failed"
    if failed and seen.ended:
        return "Failed"
    if (pending and not _any_started(main)) or waiting:
        return "Failed" if seen.ended and not running else "Pending"
    if running:
        return "Running"
    if seen.ended:
        return "Succeeded" if stopped == succeeded else "Failed"
    if any((run := seen.last(c["name"])) is None or should_restart(spec, c, run) for c in spec["containers"]):
        return "Running"
    return "Succeeded" if stopped == succeeded else "Failed"


def _any_started(main: Iterable[dict]) -> bool:
    """Whether a regular container has started since the pod began (`kubecontainer.HasAnyRegularContainerStarted`)."""
    return any("running" in s["state"] or "terminated" in s["state"] or s["lastState"].get("terminated") for s in main)


# -- conditions --------------------------------------------------------------------------------------------


def _conditions(pod: dict, old: dict, statuses: list[dict], phase: str, seen: Observed, generation: int | None) -> list[dict]:
    spec = pod["spec"]
    before = {c["type"]: c for c in old.get("conditions", ())}
    others = [c for c in old.get("conditions", ()) if c["type"] not in KUBELET_CONDITIONS]
    if seen.disrupted:
        target = condition(before.get("DisruptionTarget"), "DisruptionTarget", True, "TerminationByKubelet", seen.disrupted, generation)
        others = [c for c in others if c["type"] != "DisruptionTarget"] + [target]
    by_name = {s["name"]: s for s in statuses}
    containers_ready = _containers_ready(spec, by_name, phase)
    made = {"PodResizePending": (True, *seen.resize_pending)} if seen.resize_pending else {}
    if seen.resizing:
        made["PodResizeInProgress"] = True, "", ""
    made |= {
        "PodReadyToStartContainers": (seen.sandbox_ready, "", ""),
        "Initialized": _initialized(spec, by_name, phase),
        "Ready": _ready(spec, containers_ready, {c["type"]: c for c in others}),
        "ContainersReady": containers_ready,
        "PodScheduled": (True, "", ""),
    }
    conditions = []
    for kind, (is_true, reason, message) in made.items():
        conditions.append(condition(before.get(kind), kind, is_true, reason, message, generation))
    return others + conditions


def condition(old: dict | None, kind: str, is_true: bool, reason: str, message: str, generation: int | None) -> dict:
    """A pod condition; its lastTransitionTime is kept while its status stays the same."""
    status = "True" if is_true else "False"
    since = old["lastTransitionTime"] if old and old["status"] == status and old.get("lastTransitionTime") else timestamp()
    made = {"type": kind, "observedGeneration": generation, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    made |= {"reason": reason, "message": message}
    return {k: v for k, v in made.items() if v or k == "lastProbeTime"}


def _containers_ready(spec: dict, statuses: dict[str, dict], phase: str) -> tuple[bool, str, str]:
    if phase in ("Succeeded", "Failed"):
        return False, "PodCompleted" if phase == "Succeeded" else "PodFailed", ""
    wanted = [c["name"] for c in spec.get("initContainers", ()) if is_sidecar(c)] + [c["name"] for c in spec["containers"]]
    unready = [name for name in wanted if not statuses[name]["ready"]]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _initialized(spec: dict, statuses: dict[str, dict], phase: str) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if _any_started(statuses[c["name"]] for c in spec["containers"]):
        return True, "", ""
    init = spec.get("initContainers", ())
    incomplete = [c["name"] for c in init if not statuses[c["name"]]["started" if is_sidecar(c) else "ready"]]
    if incomplete:
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return True, "", ""


def _ready(spec: dict, containers_ready: tuple[bool, str, str], others: dict[str, dict]) -> tuple[bool, str, str]:
    if not containers_ready[0]:
        return containers_ready
    problems = []
    for gate in spec.get("readinessGates", ()):
        kind = gate["conditionType"]
        if kind not in others:
            problems.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif others[kind]["status"] != "True":
            problems.append(f'the status of pod readiness gate "{kind}" is not "True", but {others[kind]["status"]}')
    return (False, "ReadinessGatesNotReady", ", ".join(problems)) if problems else (True, "", "")
