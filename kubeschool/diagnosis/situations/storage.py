"""Claims without a volume. Messages: pkg/controller/volume/persistentvolume."""

from kubeschool.diagnosis.evidence import Evidence
from kubeschool.diagnosis.signs import event, when
from kubeschool.diagnosis.situation import Situation

CLASSES = "kubectl get storageclasses"


def pending(claim: Evidence) -> bool:
    return claim.status.get("phase") != "Bound"


def _users(claim: Evidence) -> str:
    """The pods that mount it."""
    names = [
        pod["metadata"]["name"]
        for pod in claim.every("pods")
        if any(v.get("persistentVolumeClaim", {}).get("claimName") == claim.name for v in pod["spec"].get("volumes", ()))
    ]
    return ", ".join(names)


def told(reason: str, message: str):
    return event(reason, message, while_=when(pending))


CLAIM = (
    Situation(
        "claim-in-use",
        when(lambda claim: claim.terminating and _users(claim), users=_users),
        wrong="it is deleted, and still in use by {users}",
        means="The finalizer kubernetes.io/pvc-protection keeps a claim until no Pod uses it, so that no Pod loses its files.",
        see="kubectl describe pvc {name}{n}",
        fix="end the Pods that use it: {users}",
        state="waiting",
    ),
    Situation(
        "no-such-class",
        told("ProvisioningFailed", r'storageclass.*"(?P<class>[^"]+)" not found'),
        wrong="it asks for the storage class {class}, and there is none",
        means="A StorageClass says who makes the volumes. Its name is in spec.storageClassName.",
        see=CLASSES,
        fix="a claim's class cannot change: delete the claim, and create it with a class that is there",
    ),
    Situation(
        "not-provisioned",
        told("ProvisioningFailed", ""),
        wrong="its volume could not be made",
        means="The provisioner of its storage class tried, and says what went wrong. It tries again.",
        fix="change what the message names",
    ),
    Situation(
        "no-class-no-volume",
        told("FailedBinding", "no persistent volumes available"),
        wrong="no volume fits it, and it has no storage class that would make one",
        means="Without a class a claim waits for a PersistentVolume that somebody made by hand and that is large enough.",
        see="kubectl get pv; " + CLASSES,
        fix="leave storageClassName out (not empty), so that the default class makes a volume; or make a PersistentVolume",
    ),
    Situation(
        "first-consumer",
        when(
            lambda claim: pending(claim) and claim.said("WaitForFirstConsumer") and not _users(claim),
            said=lambda claim: claim.said("WaitForFirstConsumer").string,
        ),
        wrong="it waits for a Pod that uses it",
        means="Its class makes the volume where the first Pod runs (WaitForFirstConsumer). Nothing is wrong.",
        fix="start a Pod that mounts it",
        state="waiting",
    ),
    Situation(
        "claim-lost",
        when(lambda claim: claim.status.get("phase") == "Lost"),
        wrong="the volume it had is gone",
        means="Somebody deleted the PersistentVolume that it was bound to.",
        see="kubectl get pv",
        fix="delete the claim and create it anew; the data is lost unless there is a backup",
    ),
    Situation(
        "provisioner-silent",
        when(
            lambda claim: pending(claim) and claim.said("ExternalProvisioning|Provisioning|WaitForPodScheduled"),
            said=lambda claim: claim.said("ExternalProvisioning|Provisioning|WaitForPodScheduled").string,
        ),
        wrong="its volume is being made",
        means="The provisioner of its storage class was asked. If this lasts, it does not run.",
        see="kubectl get pods -A | grep -i provisioner",
        fix="wait a moment; then look at the provisioner's log",
        state="waiting",
    ),
)
