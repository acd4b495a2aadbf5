"""Pods that ended, or are asked to and do not; and pods of a node that is gone."""

from kubeschool.diagnosis.signs import reason, when
from kubeschool.diagnosis.situation import Situation

DESCRIBE = "kubectl describe node {node}"


def _on_a_lost_node(pod) -> bool:
    return bool(pod.node_ready) and pod.node_ready["status"] != "True"


ENDING = (
    Situation(
        "node-lost",
        when(_on_a_lost_node, said=lambda pod: pod.node_ready.get("message", "")),
        wrong="its node {node} does not answer",
        means=(
            "Nobody knows whether it still runs. After 300 s (its toleration) it is deleted, and whoever owns it makes another "
            "elsewhere; one without an owner is lost."
        ),
        see="kubectl get node {node}; " + DESCRIBE,
        fix="start the node again; for a machine that will not return, kubectl delete node {node}",
    ),
    Situation(
        "finalizer",
        when(
            lambda pod: pod.terminating and pod.obj["metadata"].get("finalizers"),
            finalizers=lambda pod: ", ".join(pod.obj["metadata"]["finalizers"]),
        ),
        wrong="it is deleted, and a finalizer keeps it: {finalizers}",
        means=(
            "A finalizer is a note of a program that wants to tidy up first, and takes the note off when it has. That program "
            "is gone or stuck."
        ),
        see="kubectl get {type} {name}{n} -o jsonpath={{.metadata.finalizers}}",
        fix=(
            "mend that program; only when it will never come back: "
            """kubectl patch {type} {name}{n} --type=merge -p '{{"metadata":{{"finalizers":null}}}}'"""
        ),
        state="waiting",
    ),
    Situation(
        "does-not-end",
        when(lambda pod: pod.overdue),
        wrong="its grace period is over, and it is still there",
        means="The kubelet of {node} has to report that the containers are gone, and has not.",
        see="kubectl get node {node}",
        fix="wait a moment; on a node that is lost for good: kubectl delete pod {name}{n} --force",
        state="waiting",
    ),
    Situation(
        "pre-stop-failed",
        when(
            lambda pod: pod.terminating and pod.said("FailedPreStopHook"),
            said=lambda pod: pod.said("FailedPreStopHook").string,
        ),
        wrong="it was asked to end, and its preStop hook failed",
        means="The Pod ends all the same: the hook is tried once, then SIGTERM follows.",
        fix="run the hook's command by hand: kubectl exec POD{n} -- COMMAND",
        state="waiting",
    ),
    Situation(
        "ending",
        when(lambda pod: pod.terminating, grace=lambda pod: pod.obj["metadata"].get("deletionGracePeriodSeconds", 0)),
        wrong="it was asked to end, and has {grace} s to do so",
        means="Its programs got SIGTERM; those that ignore it are killed when the grace period is over.",
        fix="wait",
        state="waiting",
    ),
    Situation(
        "evicted-for-storage",
        reason("Evicted", "(?i)emptydir|ephemeral"),
        wrong="the kubelet evicted it: it used more disk than it may",
        means="A sizeLimit of an emptyDir, or a limit for ephemeral-storage, is checked from time to time. The Pod is ended for good.",
        fix="raise the limit, or write less ({change}); then delete this one: kubectl delete pod {name}{n}",
    ),
    Situation(
        "evicted",
        reason("Evicted"),
        wrong="the kubelet evicted it",
        means=("The node ran short of memory or disk. Those go first that use more than they request."),
        see=DESCRIBE,
        fix=(
            "request what it needs, so that the scheduler finds a node that has it ({change}); then delete this one: kubectl "
            "delete pod {name}{n}"
        ),
    ),
    Situation(
        "deadline",
        reason("DeadlineExceeded"),
        wrong="it ran longer than it may",
        means="spec.activeDeadlineSeconds is the longest time a Pod may be active; then it is ended and counts as failed.",
        fix="raise activeDeadlineSeconds ({change}), or leave it out",
    ),
    Situation(
        "refused-by-kubelet",
        reason(r"OutOf\w+|NodeAffinity|NodePorts|UnexpectedAdmissionError|Taint\w*|NodeName|Admission\w*"),
        wrong="the kubelet of {node} refused it",
        means=(
            "The kubelet looks once more whether a Pod fits. One that names its node itself (nodeName) was never looked at by "
            "the scheduler."
        ),
        see=DESCRIBE,
        fix="leave nodeName out and let the scheduler choose; then delete this one: kubectl delete pod {name}{n}",
    ),
    Situation(
        "pod-failed",
        reason(".+"),
        wrong="it failed",
        means="A Pod that failed stays, for you to read; it does not start again.",
        fix="delete it when you have read it: kubectl delete pod {name}{n}",
    ),
)
