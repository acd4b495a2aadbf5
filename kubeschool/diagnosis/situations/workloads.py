"""Deployment, ReplicaSet, StatefulSet, DaemonSet, Job: their controller cannot make pods, or gave up. pkg/controller."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import condition, when
from kubeschool.diagnosis.situation import Clue, Situation


def refused(message: str):
    """The API server refuses new pods: in the condition ReplicaFailure, else in the event FailedCreate while pods are missing."""

    def sign(evidence: Evidence):
        found = next(iter(condition("ReplicaFailure", "True", message=message)(evidence)), None)
        event = evidence.said("FailedCreate", message) if not found and _short(evidence) else None
        if found or event:
            yield Clue("refused", found.said if found else event.string, found.values if found else event.groupdict(""))

    return sign


def _short(evidence: Evidence) -> bool:
    wanted = evidence.spec.get("replicas", evidence.status.get("desiredNumberScheduled", 1))
    return len(evidence.pods) < wanted and not _finished(evidence)


def _finished(evidence: Evidence) -> bool:
    return any(evidence.conditions.get(type, {}).get("status") == "True" for type in ("Complete", "Failed"))


def _unseen(evidence: Evidence) -> bool:
    return evidence.status.get("observedGeneration", 0) < evidence.obj["metadata"].get("generation", 0)


DEPLOYMENT = (
    Situation(
        "rollout-stuck",
        condition("Progressing", "False", "ProgressDeadlineExceeded"),
        wrong="its rollout is stuck",
        means=(
            "The new Pods did not get ready within progressDeadlineSeconds. The old ones go on serving; nothing is rolled back by itself."
        ),
        see="kubectl rollout status {ref}{n}; kubectl get pods{n}",
        fix="mend what keeps the new Pods from getting ready, or go back: kubectl rollout undo {ref}{n}",
    ),
    Situation(
        "paused",
        when(lambda deployment: deployment.spec.get("paused")),
        wrong="its rollout is paused",
        means="Changes of the template are kept and not carried out.",
        fix="kubectl rollout resume {ref}{n}",
        state="waiting",
    ),
)
ASLEEP = (
    Situation(
        "controller-asleep",
        when(_unseen),
        wrong="no controller has looked at it yet",
        means="kube-controller-manager makes what it asks for, and has not seen its last change.",
        see="kubectl get pods -n kube-system",
        fix="wait a moment; if it stays so, look at the logs of kube-controller-manager",
        state="waiting",
    ),
)
WORKLOAD = (
    Situation(
        "quota-exceeded",
        refused(r"exceeded quota: (?P<quota>[^,]+)"),
        wrong="the quota {quota} of the namespace is used up",
        means="A ResourceQuota limits what all objects of a namespace may have together, and the API server refuses more Pods.",
        see="kubectl describe quota {quota}{n}",
        fix="fewer replicas or smaller requests, remove what is not needed, or have the quota raised",
    ),
    Situation(
        "quota-wants-requests",
        refused(r"failed quota: (?P<quota>[^:]+): must specify"),
        wrong="the quota {quota} wants every Pod to say what it needs",
        means="Where a quota counts CPU or memory, a Pod without requests (or limits) is refused.",
        see="kubectl describe quota {quota}{n}",
        fix="add resources: to the template ({change})",
    ),
    Situation(
        "limit-range",
        refused(r"(maximum|minimum) \S+ usage per"),
        wrong="its Pods ask for more, or less, than the namespace allows one to",
        means="A LimitRange sets the bounds for a single Pod or container.",
        see="kubectl describe limitrange{n}",
        fix="change resources: in the template ({change})",
    ),
    Situation(
        "no-service-account",
        refused(r'serviceaccount "(?P<account>[^"]+)" not found'),
        wrong="the service account {account} that its Pods should have is not there",
        means="Programs in a Pod talk to the API as a service account of the same namespace.",
        see="kubectl get serviceaccounts{n}",
        fix="kubectl create serviceaccount {account}{n}",
    ),
    Situation(
        "pod-security",
        refused(r'violates PodSecurity "(?P<level>[^"]+)"'),
        wrong="the namespace's Pod security level {level} forbids its Pods",
        means="A label of the namespace says how much a Pod may do on its node, and the API server refuses more.",
        see="kubectl get namespace {namespace} --show-labels",
        fix="add what the message asks for to the template ({change})",
    ),
    Situation(
        "pods-refused",
        refused(""),
        wrong="the API server refuses its Pods",
        means="The controller asks for a Pod, and the API server says no.",
        fix="change what the message names ({change})",
    ),
)
DAEMONSET = (
    Situation(
        "no-node-fits",
        when(lambda daemonset: not _unseen(daemonset) and daemonset.status.get("desiredNumberScheduled") == 0),
        wrong="no node is meant",
        means="A DaemonSet runs one Pod on every node that its nodeSelector and tolerations allow, and here that is none.",
        see="kubectl get nodes --show-labels",
        fix="kubectl label node NODE KEY=VALUE, or correct the selector: kubectl edit {ref}{n}",
    ),
)
JOB = (
    Situation(
        "job-gave-up",
        condition("Failed", "True", "BackoffLimitExceeded"),
        wrong="it gave up after too many failed Pods",
        means="A Job tries again backoffLimit times, 6 unless set; then it has failed for good.",
        see="kubectl logs -l job-name={name}{n}",
        fix="mend what the Pods say, then delete the Job and create it anew: a Job does not start over",
    ),
    Situation(
        "job-deadline",
        condition("Failed", "True", "DeadlineExceeded"),
        wrong="it took longer than it may",
        means="activeDeadlineSeconds is for the Job with all its tries; at the end its Pods are removed.",
        see="kubectl describe job {name}{n}",
        fix="raise activeDeadlineSeconds, then delete the Job and create it anew",
    ),
    Situation(
        "job-failed",
        condition("Failed", "True"),
        wrong="it failed",
        means="A Job that failed does not start over.",
        fix="mend what the message names, then delete the Job and create it anew",
    ),
    Situation(
        "suspended",
        when(lambda job: job.spec.get("suspend")),
        wrong="it is suspended",
        means="spec.suspend is true: it starts no Pods.",
        see="kubectl get job {name}{n}",
        fix="""kubectl patch job {name}{n} -p '{{"spec":{{"suspend":false}}}}'""",
        state="waiting",
    ),
)
