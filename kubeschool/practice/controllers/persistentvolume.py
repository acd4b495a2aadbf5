"""Brings claims and volumes together (`pkg/controller/volume/persistentvolume/pv_controller.go`). Volumes are made by a provisioner of
their StorageClass, e.g. local_path_provisioner.py."""


from ..component import Controller
from ..deep_copy import deep_copy
from ..events import EventRecorder
from ..informer import key_of
from ..volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    PROVISIONED_BY,
    PROVISIONER,
    SELECTED_NODE,
    claim_volume,
    find_matching_volume,
    is_bound,
    is_volume_bound_to,
)
from .utils import ignore_gone

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
RESYNC = 15.0


class PersistentVolumeController(Controller):
    """Keys are (resource, namespace, name)."""

    name = "persistent-volume-binder"

    def setup(self) -> None:
        self.events = EventRecorder(self.client, "persistentvolume-controller")
        self.claims, self.volumes, self.classes = (self.informers[r] for r in (CLAIMS, VOLUMES, CLASSES))
        self.claims.on_change(self._on_claim)
        self.volumes.on_change(self._on_volume)
        self.classes.on_change(lambda old, new: self._queue_pending())

    def _on_claim(self, old: dict | None, new: dict | None) -> None:
        self.queue.add((CLAIMS, *key_of(new or old)))
        if volume := (new or old)["spec"].get("volumeName"):
            self.queue.add((VOLUMES, "", volume))

    def _on_volume(self, old: dict | None, new: dict | None) -> None:
        self.queue.add((VOLUMES, *key_of(new or old)))
        if reference := (new or old)["spec"].get("claimRef"):
            self.queue.add((CLAIMS, reference.get("namespace", ""), reference.get("name", "")))
        elif new:
            self._queue_pending()

    def _queue_pending(self) -> None:
        for claim in self.claims.list():
            if not is_bound(claim):
                self.queue.add((CLAIMS, *key_of(claim)))

    async def reconcile(self, key: tuple[str, str, str]) -> None:
        resource, namespace, name = key
        if resource == VOLUMES:
            if volume := self.volumes.get("", name):
                self._sync_volume(volume)
        elif claim := self.claims.get(namespace, name):
            if is_bound(claim) or BIND_COMPLETED in (claim["metadata"].get("annotations") or {}):
                self._sync_bound(claim)
            elif self._sync_unbound(claim):
                self.queue.add_after(key, RESYNC)

    # -- claims --------------------------------------------------------------------------------------------

    def _sync_unbound(self, claim: dict) -> bool:
        """True while the claim has to wait."""
        name = claim["spec"].get("volumeName")
        if not name:
            volume = find_matching_volume(claim, self._sorted_volumes()) if not self._waits_for_consumer(claim) else self._reserved(claim)
            if volume:
                self._bind(volume, claim)
                return False
            self._set_phase(claim, "Pending")
            self._provision(claim)
            return True
        volume = self.volumes.get("", name)
        if volume is None:
            self._set_phase(claim, "Pending")
            return True
        if not volume["spec"].get("claimRef") or is_volume_bound_to(volume, claim):
            self._bind(volume, claim)
            return False
        message = f'volume "{name}" already bound to a different claim.'
        self.events.event(claim, "Warning", "FailedBinding", message)
        self._set_phase(claim, "Pending")
        return True

    def _sorted_volumes(self) -> list[dict]:
        return [v for _, v in sorted(self.volumes.objects.items())]

    def _reserved(self, claim: dict) -> dict | None:
        """The volume that already names this claim."""
        return next((v for v in self._sorted_volumes() if v["spec"].get("claimRef") and is_volume_bound_to(v, claim)), None)

    def _waits_for_consumer(self, claim: dict) -> bool:
        found = self.classes.get("", claim["spec"].get("storageClassName") or "")
        selected = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
        return bool(found) and found.get("volumeBindingMode") == "WaitForFirstConsumer" and not selected

    def _provision(self, claim: dict) -> None:
        wanted = claim["spec"].get("storageClassName")
        if not wanted:
            message = "no persistent volumes available for this claim and no storage class is set"
            return self.events.event(claim, "Normal", "FailedBinding", message)
        found = self.classes.get("", wanted)
        if found is None:
            return self.events.event(claim, "Warning", "ProvisioningFailed", f'storageclass.storage.k8s.io "{wanted}" not found')
        if self._waits_for_consumer(claim):
            message = "waiting for first consumer to be created before binding"
            return self.events.event(claim, "Normal", "WaitForFirstConsumer", message)
        provisioner = found["provisioner"]
        if provisioner == NO_PROVISIONER:
            return self.events.event(claim, "Warning", "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
        annotations = claim["metadata"].get("annotations") or {}
        wanted_annotations = {f"volume.beta.{PROVISIONER}": provisioner, f"volume.{PROVISIONER}": provisioner}
        if not wanted_annotations.items() <= annotations.items():
            ignore_gone(self.client.patch, CLAIMS, *key_of(claim), {"metadata": {"annotations": wanted_annotations}})
        self.events.event(
            claim,
            "Normal",
            "ExternalProvisioning",
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system "
            "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
        )

    def _sync_bound(self, claim: dict) -> None:
        name = claim["spec"].get("volumeName")
        if not name:
            return self._lose(claim, "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
        volume = self.volumes.get("", name)
        if volume is None:
            self._lose(claim, "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        elif not volume["spec"].get("claimRef") or is_volume_bound_to(volume, claim):
            self._bind(volume, claim)
        else:
            message = "Two claims are bound to the same volume, this one is bound incorrectly"
            self._lose(claim, message, "ClaimMisbound")

    def _lose(self, claim: dict, message: str, reason: str = "ClaimLost") -> None:
        if (claim.get("status") or {}).get("phase") != "Lost":
            self._set_phase(claim, "Lost")
            self.events.event(claim, "Warning", reason, message)

    def _set_phase(self, claim: dict, phase: str) -> None:
        if (claim.get("status") or {}).get("phase") != phase:
            ignore_gone(self.client.patch, CLAIMS, *key_of(claim), {"status": {"phase": phase}}, subresource="status")

    def _bind(self, volume: dict, claim: dict) -> None:
        """Both point at each other, in an order that a restart can pick up."""
        if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
            volume = self.client.update(VOLUMES, claim_volume(deep_copy(volume), claim))
        self._set_volume_phase(volume, "Bound")
        changed = deep_copy(claim)
        annotations = changed["metadata"].setdefault("annotations", {})
        if not claim["spec"].get("volumeName"):
            changed["spec"]["volumeName"] = volume["metadata"]["name"]
            annotations[BOUND_BY_CONTROLLER] = "yes"
        annotations[BIND_COMPLETED] = "yes"
        if changed != claim:
            changed = deep_copy(self.client.update(CLAIMS, changed))
        status = {"phase": "Bound", "accessModes": volume["spec"]["accessModes"], "capacity": volume["spec"]["capacity"]}
        before = changed.get("status") or {}
        if not status.items() <= before.items():
            changed["status"] = {**before, **status}
            self.client.update(CLAIMS, changed, "status")

    # -- volumes -------------------------------------------------------------------------------------------

    def _sync_volume(self, volume: dict) -> None:
        reference = volume["spec"].get("claimRef")
        if not reference or not reference.get("uid"):
            return self._set_volume_phase(volume, "Available")
        claim = self.claims.get(reference["namespace"], reference["name"])
        if claim is None or claim["metadata"]["uid"] != reference["uid"]:
            self._set_volume_phase(volume, "Released")
        elif not claim["spec"].get("volumeName"):
            self.queue.add((CLAIMS, *key_of(claim)))
        elif claim["spec"]["volumeName"] == volume["metadata"]["name"]:
            self._set_volume_phase(volume, "Bound")
        elif (
            PROVISIONED_BY in (volume["metadata"].get("annotations") or {}) and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        ):
            self._set_volume_phase(volume, "Released")
        else:
            self._unbind(volume)

    def _unbind(self, volume: dict) -> None:
        """The claim took another volume: free this one again."""
        changed = deep_copy(volume)
        annotations = changed["metadata"].get("annotations") or {}
        if annotations.pop(BOUND_BY_CONTROLLER, None):
            del changed["spec"]["claimRef"]
        else:
            changed["spec"]["claimRef"].pop("uid", None)
        self._set_volume_phase(self.client.update(VOLUMES, changed), "Available")

    def _set_volume_phase(self, volume: dict, phase: str) -> None:
        if (volume.get("status") or {}).get("phase") != phase:
            ignore_gone(self.client.patch, VOLUMES, *key_of(volume), {"status": {"phase": phase}}, subresource="status")
