"""A node that does not answer, is short of something, or takes no pods. pkg/controller/nodelifecycle, pkg/kubelet/nodestatus."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import condition, when
from kubeschool.diagnosis.situation import Situation

OWN = "node.kubernetes.io/"
"""Taints of these names are set by Kubernetes, for what the other rows tell."""
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def _taints(node: Evidence) -> str:
    taints = [t for t in node.spec.get("taints") or () if not t["key"].startswith(OWN) and t["key"] not in CONTROL_PLANE]
    return ", ".join(f"{t['key']}{'=' + t['value'] if t.get('value') else ''}:{t['effect']}" for t in taints)


def short_of(what: str, id: str, resource: str) -> Situation:
    return Situation(
        id,
        condition(what, "True"),
        wrong=f"it is short of {resource}",
        means="The kubelet ends Pods until there is enough again, first those that use more than they request.",
        see="kubectl describe node {name}",
        fix="find what uses it (kubectl top pods -A), and give Pods requests and limits",
    )


NODE = (
    Situation(
        "node-silent",
        condition("Ready", "Unknown"),
        wrong="its kubelet has not been heard of",
        means="It is switched off, or cut off from the API server. Its Pods get no requests, and are given up after 5 minutes.",
        see="kubectl describe node {name}",
        fix="start the machine or its kubelet; if it will not return, kubectl delete node {name}",
    ),
    Situation(
        "node-unwell",
        condition("Ready", "False"),
        wrong="its kubelet says that it is not ready",
        means="The kubelet runs, and something it needs does not: often the network plugin or the container runtime.",
        see="kubectl describe node {name}",
        fix="mend what the message names",
    ),
    short_of("MemoryPressure", "memory-pressure", "memory"),
    short_of("DiskPressure", "disk-pressure", "disk"),
    short_of("PIDPressure", "pid-pressure", "process ids"),
    Situation(
        "node-cordoned",
        when(lambda node: node.spec.get("unschedulable")),
        wrong="it is cordoned: it takes no new Pods",
        means="Somebody said kubectl cordon or drain. The Pods that run there go on.",
        see="kubectl get node {name}",
        fix="kubectl uncordon {name}",
        state="waiting",
    ),
    Situation(
        "node-tainted",
        when(_taints, taints=_taints),
        wrong="it has a taint: {taints}",
        means="Only Pods with a toleration for it come here.",
        see="kubectl describe node {name}",
        fix="kubectl taint node {name} KEY- takes it off, if it is not meant so",
        state="waiting",
    ),
)
