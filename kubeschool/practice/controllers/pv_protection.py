"""Keeps a volume that is being deleted while it is bound (`pkg/controller/volume/pvprotection/pv_protection_controller.go`)."""

from ..component import Controller
from ..informer import key_of
from .utils import ignore_gone

RESOURCE, FINALIZER = "persistentvolumes", "kubernetes.io/pv-protection"


class PVProtectionController(Controller):
    name = "pv-protection-controller"

    def setup(self) -> None:
        self.informers[RESOURCE].on_change(lambda old, new: new and self.queue.add(key_of(new)))

    async def reconcile(self, key: tuple[str, str]) -> None:
        volume = self.informers[RESOURCE].get(*key)
        if volume is None or "deletionTimestamp" not in volume["metadata"] or (volume.get("status") or {}).get("phase") == "Bound":
            return
        finalizers = volume["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            patch = {"metadata": {"finalizers": [f for f in finalizers if f != FINALIZER] or None}}
            ignore_gone(self.client.patch, RESOURCE, *key, patch)
