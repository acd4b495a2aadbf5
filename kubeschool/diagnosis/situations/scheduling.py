"""Pending: no node fits. The reasons are those of the scheduler's plugins, pkg/scheduler/framework/plugins (1.20 to 1.37)."""

from kubeschool.diagnosis.signs import condition, when
from kubeschool.diagnosis.situation import Situation

NODES = "kubectl get nodes --show-labels"
TAINTS = "kubectl describe nodes | grep -A 3 -i taints"
ROOM = "kubectl describe nodes | grep -A 9 'Allocated resources'"


def unschedulable(message: str):
    return condition("PodScheduled", "False", "Unschedulable|SchedulerError", message)


SCHEDULING = (
    Situation(
        "scheduler-asleep",
        when(lambda pod: not pod.conditions and not pod.words["node"] and pod.status.get("phase") == "Pending" and not pod.terminating),
        wrong="no scheduler has looked at it yet",
        means=(
            "A Pod waits until the scheduler that its schedulerName names gives it a node. There is none of that name, or it does not run."
        ),
        see="kubectl get pod {name}{n} -o jsonpath={{.spec.schedulerName}}; kubectl get pods -n kube-system",
        fix="start the scheduler, or leave schedulerName out of the manifest",
        state="waiting",
    ),
    Situation(
        "scheduling-gated",
        condition("PodScheduled", "False", "SchedulingGated"),
        wrong="a scheduling gate holds it back",
        means="Its spec.schedulingGates names a condition that somebody has to lift first.",
        fix="whoever set the gate removes it: kubectl edit pod {name}{n}",
        state="waiting",
    ),
    Situation(
        "no-nodes",
        unschedulable("no nodes available to schedule pods"),
        wrong="the cluster has no node",
        means="There is no machine at all on which a Pod could run.",
        see="kubectl get nodes",
        fix="add a node, or start the one that was switched off",
    ),
    Situation(
        "too-little-room",
        unschedulable(r"Insufficient (?P<what>[\w./-]*\w)"),
        wrong="nodes have less {what} left than it requests",
        means="The sum of the requests on a node may not exceed what the node has; what the Pods really use does not matter.",
        see=ROOM,
        fix="request less {what} ({change}), remove other Pods, or add a node",
    ),
    Situation(
        "too-many-pods",
        unschedulable("Too many pods"),
        wrong="the nodes have as many Pods as they may",
        means="A kubelet takes a limited number of Pods, 110 unless it is told otherwise.",
        see=ROOM,
        fix="remove Pods, or add a node",
    ),
    Situation(
        "cordoned",
        unschedulable("were unschedulable"),
        wrong="nodes are cordoned",
        means="Somebody told these nodes to take no new Pods (kubectl cordon or drain).",
        see="kubectl get nodes",
        fix="kubectl uncordon NODE",
    ),
    Situation(
        "no-such-label",
        unschedulable(r"didn't match (Pod's )?node (affinity|selector)"),
        wrong="nodes lack the labels it asks for",
        means="Its nodeSelector or nodeAffinity names labels that the nodes do not have: a typo, or a label nobody set.",
        see=NODES,
        fix="kubectl label node NODE KEY=VALUE, or correct the selector ({change})",
    ),
    Situation(
        "other-node-wanted",
        unschedulable("didn't match the requested (node name|hostname)"),
        wrong="it names a node that does not fit",
        means="spec.nodeName leaves the scheduler no choice.",
        see=NODES,
        fix="leave nodeName out and let the scheduler choose",
    ),
    Situation(
        "host-port-taken",
        unschedulable("didn't have free ports"),
        wrong="the hostPort it wants is taken",
        means="A hostPort is a port of the node itself, so only one Pod of a node can have it.",
        see="kubectl get pods -A -o wide",
        fix="leave hostPort out and use a Service, or end the Pod that has the port",
    ),
    Situation(
        "no-friend",
        unschedulable("didn't match pod affinity rules"),
        wrong="nodes lack the Pods it wants to be near",
        means="Its podAffinity asks for a node on which a Pod with certain labels runs.",
        see="kubectl get pods{n} --show-labels",
        fix="start those Pods first, or correct the labels in podAffinity ({change})",
    ),
    Situation(
        "keeps-apart",
        unschedulable("pod anti-affinity rules|existing pods anti-affinity"),
        wrong="nodes have Pods that it keeps apart from",
        means=(
            "A podAntiAffinity, its own or that of a running Pod, forbids the nodes that are left: often one more copy than "
            "there are nodes."
        ),
        see="kubectl get pods{n} -o wide --show-labels",
        fix="fewer copies, one more node, or preferred… in place of required… in the podAntiAffinity",
    ),
    Situation(
        "cannot-spread",
        unschedulable("topology spread"),
        wrong="it cannot be spread as its topologySpreadConstraints ask",
        means="The nodes that are left would make the spread too uneven, or lack the label that it spreads over.",
        see=NODES,
        fix="label the nodes, raise maxSkew, or say whenUnsatisfiable: ScheduleAnyway",
    ),
    Situation(
        "no-such-claim",
        unschedulable(r'persistentvolumeclaim "(?P<claim>[^"]+)" not found'),
        wrong="it mounts the claim {claim}, and there is none",
        means="A PersistentVolumeClaim must be in the Pod's own namespace under exactly this name.",
        see="kubectl get pvc{n}",
        fix="create the claim {claim}, or correct claimName ({change})",
    ),
    Situation(
        "claim-ending",
        unschedulable(r'persistentvolumeclaim "(?P<claim>[^"]+)" is being deleted'),
        wrong="the claim {claim} that it mounts is being deleted",
        means="A claim on its way out takes no new users.",
        see="kubectl get pvc{n}",
        fix="wait until {claim} is gone, then create it anew",
    ),
    Situation(
        "claim-lost-volume",
        unschedulable(r'persistentvolumeclaim "(?P<claim>[^"]+)" bound to non-existent'),
        wrong="the volume behind the claim {claim} is gone",
        means="Somebody deleted the PersistentVolume; the data went with it, or sits where the claim no longer points.",
        see="kubectl get pvc,pv{n}",
        fix="delete the claim {claim} and create it anew",
    ),
    Situation(
        "claim-pending",
        unschedulable("unbound immediate PersistentVolumeClaims|didn't find available persistent volumes"),
        wrong="a claim that it mounts has no volume yet",
        means="The Pod waits for its storage, so look at the claim: it says what it waits for itself.",
        see="kubectl describe pvc{n}",
        fix='look at the claim: kubeschool.explain("pvc/NAME")',
    ),
    Situation(
        "volume-elsewhere",
        unschedulable("volume node affinity|PersistentVolume's node affinity|no available volume zone"),
        wrong="its volume is on a node that it cannot run on",
        means="Such a volume is on the disk of one node, or in one zone, and the Pod must follow it there.",
        see="kubectl describe pv",
        fix="make room on the volume's own node, or give the Pod a new claim",
    ),
    Situation(
        "volumes-exhausted",
        unschedulable("exceed max volume count"),
        wrong="the nodes have as many volumes attached as they may",
        means="A machine takes a limited number of disks.",
        fix="remove Pods with volumes, or add a node",
    ),
    Situation(
        "claim-of-one",
        unschedulable("ReadWriteOncePod"),
        wrong="its claim is in use by another Pod",
        means="The access mode ReadWriteOncePod lets one single Pod use the claim.",
        see="kubectl describe pvc{n}",
        fix="end the other Pod first, or use ReadWriteOnce",
    ),
    Situation(
        "tainted",
        unschedulable(r"untolerated taint|had taint (?P<taint>\{.*?\})"),
        wrong="nodes have a taint that it does not tolerate",
        means="A taint keeps every Pod away that has no toleration for it; control-plane nodes and nodes in trouble have one.",
        see=TAINTS,
        last_resort=True,  # a control-plane node has one in every message
        fix="kubectl taint node NODE KEY- if it is no longer meant so, or give the Pod a toleration",
    ),
    Situation(
        "unschedulable",
        unschedulable(""),
        wrong="no node fits",
        means="The scheduler looked at every node and says how many failed at what.",
        fix="change what the message names",
        last_resort=True,
    ),
)
