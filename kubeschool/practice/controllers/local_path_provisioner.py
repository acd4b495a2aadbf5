"""The provisioner of kind's StorageClass `standard`: a folder on the node where the first pod goes
(github.com/rancher/local-path-provisioner `provisioner.go`, on sig-storage-lib-external-provisioner `controller.go`)."""

from ..component import Controller
from ..events import EventRecorder
from ..informer import key_of
from ..volumes import PROVISIONED_BY, PROVISIONER, SELECTED_NODE, is_bound
from .utils import ignore_gone

NAME = "rancher.io/local-path"
PATH = "/var/local-path-provisioner"
CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"


class LocalPathProvisioner(Controller):
    """Keys are (resource, namespace, name)."""

    name = "local-path-provisioner"

    def setup(self) -> None:
        self.events = EventRecorder(self.client, NAME)
        self.claims, self.volumes = self.informers[CLAIMS], self.informers[VOLUMES]
        self.classes = self.informers["storageclasses.storage.k8s.io"]
        self.claims.on_change(lambda old, new: new and self.queue.add((CLAIMS, *key_of(new))))
        self.volumes.on_change(lambda old, new: new and self.queue.add((VOLUMES, *key_of(new))))

    async def reconcile(self, key: tuple[str, str, str]) -> None:
        resource, namespace, name = key
        if resource == CLAIMS:
            claim = self.claims.get(namespace, name)
            if claim and not is_bound(claim) and "deletionTimestamp" not in claim["metadata"]:
                self._provision(claim)
        elif volume := self.volumes.get("", name):
            self._reclaim(volume)

    def _provision(self, claim: dict) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        annotations = meta.get("annotations") or {}
        found = self.classes.get("", spec.get("storageClassName") or "")
        volume, node = f"pvc-{meta['uid']}", annotations.get(SELECTED_NODE)
        if annotations.get(f"volume.{PROVISIONER}") != NAME or spec.get("volumeName") or found is None or self.volumes.get("", volume):
            return
        if found.get("volumeBindingMode") == "WaitForFirstConsumer" and not node:
            return
        self.events.event(
            claim, "Normal", "Provisioning", f'External provisioner is provisioning volume for claim "{meta["namespace"]}/{meta["name"]}"'
        )
        if why := self._refusal(claim, node):
            message = f'failed to provision volume with StorageClass "{found["metadata"]["name"]}": {why}'
            return self.events.event(claim, "Warning", "ProvisioningFailed", message)
        self.client.create(VOLUMES, self._volume(claim, found, volume, node))
        self.events.event(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {volume}")

    def _refusal(self, claim: dict, node: str | None) -> str:
        spec = claim["spec"]
        if spec.get("selector"):
            return "claim.Spec.Selector is not supported"
        if set(spec.get("accessModes") or ()) - {"ReadWriteOnce", "ReadWriteOncePod"}:
            return "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
        return "" if node else "configuration error, no node was specified"

    def _volume(self, claim: dict, storage_class: dict, name: str, node: str) -> dict:
        meta, spec = claim["metadata"], claim["spec"]
        path = f"{PATH}/{name}_{meta['namespace']}_{meta['name']}"
        hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        return {
            "metadata": {"name": name, "annotations": {"local.path.provisioner/selected-node": node, PROVISIONED_BY: NAME}},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "resourceVersion": meta["resourceVersion"],
                    "uid": meta["uid"],
                },
                "hostPath": {"path": path, "type": "DirectoryOrCreate"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
                "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
                "storageClassName": storage_class["metadata"]["name"],
                "volumeMode": spec.get("volumeMode") or "Filesystem",
            },
        }

    def _reclaim(self, volume: dict) -> None:
        """A released volume goes when its policy says so."""
        ours = (volume["metadata"].get("annotations") or {}).get(PROVISIONED_BY) == NAME
        released = (volume.get("status") or {}).get("phase") == "Released"
        if (
            ours
            and released
            and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            and "deletionTimestamp" not in volume["metadata"]
        ):
            ignore_gone(self.client.delete, VOLUMES, "", volume["metadata"]["name"])
