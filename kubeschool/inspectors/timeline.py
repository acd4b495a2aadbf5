"""A pod's life in order: when it was created, scheduled, started, ready; what its events say; how its containers ended."""
from datetime import datetime

from kubeschool.inspectors.events import happened, line_of
from kubeschool.inspectors.feed import feed
from kubeschool.inspectors.states import state
from kubeschool.inspectors.subject import Pods
from kubeschool.inspectors.view import Line, View, inspector

STEPS = ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


@inspector
def timeline(cluster, target) -> View:
    """Of each pod that `target` means: "pod/web", or the pods of "deploy/web"."""
    pods = Pods(cluster, target)
    source = feed(cluster.api, cluster.api.resource("events"), pods.subject.namespace)

    def model() -> list[Line]:
        lines = []
        for pod in pods.objects:
            if pods.subject.kind != "Pod" or not pods.subject.name:
                lines.append(Line(f"Pod {pod['metadata']['name']}"))
            about = [e for e in source.objects.values() if e["involvedObject"].get("uid") == pod["metadata"]["uid"]]
            lines += _lines(pod, about)
        return lines or [pods.missing]

    return View(f"timeline of {target}", [*pods.feeds, source], model)


def _lines(pod: dict, events: list[dict]) -> list[Line]:
    created = pod["metadata"]["creationTimestamp"]
    steps: list[tuple[str, int, Line]] = [(created, 0, Line("created", "phase Pending"))]
    for event in events:
        steps.append((happened(event), 1, line_of(event)))
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] in STEPS and condition["status"] == "True":
            steps.append((condition["lastTransitionTime"], 2, Line(f"condition {condition['type']}", "is True", "good")))
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        for when in (container.get("lastState", {}), container.get("state", {})):
            if ended := when.get("terminated"):
                mark = "good" if ended["exitCode"] == 0 else "bad"
                text = f"container {container['name']} ended"
                steps.append((ended["finishedAt"], 3, Line(text, f"{ended['reason']}, exit code {ended['exitCode']}", mark)))
    steps += _phases(status)
    steps.sort(key=lambda step: (step[0][:19], step[1], _rank(step[2])))
    start = _time(created)
    lines = [Line(s.text, s.detail, s.state, f"+{max(0, int((_time(at) - start).total_seconds()))}s  ".rjust(8)) for at, _, s in steps]
    word, mark = state(pod)
    return [*lines, Line(f"now {word}", state=mark, prefix="   now  ")]


def _phases(status: dict) -> list[tuple[str, int, Line]]:
    """When the phase changed, which the API does not keep: it is Running from a container's first start on, and over with the last end."""
    states = [when for c in status.get("containerStatuses", ()) for key in ("lastState", "state") for when in c.get(key, {}).values()]
    started = [when["startedAt"] for when in states if when.get("startedAt")]
    ended = [when["finishedAt"] for when in states if when.get("finishedAt")]
    steps = [(min(started), 2, Line("phase Running"))] if started else []
    if status.get("phase") in ("Succeeded", "Failed") and ended:
        steps.append((max(ended), 4, Line(f"phase {status['phase']}")))
    return steps


def _rank(line: Line) -> int:
    name = line.text.removeprefix("condition ")
    return STEPS.index(name) if name in STEPS else 0


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
