"""Keeps a claim that is being deleted until no pod uses it (`pkg/controller/volume/pvcprotection/pvc_protection_controller.go`)."""

from ..component import Controller
from ..component_helpers import is_pod_terminal
from ..informer import key_of
from ..volumes import claims_of
from .utils import ignore_gone

RESOURCE, FINALIZER = "persistentvolumeclaims", "kubernetes.io/pvc-protection"


class PVCProtectionController(Controller):
    name = "pvc-protection-controller"

    def setup(self) -> None:
        self.claims, self.pods = self.informers[RESOURCE], self.informers["pods"]
        self.claims.on_change(lambda old, new: new and self.queue.add(key_of(new)))
        self.pods.on_change(self._on_pod)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        if new is None or is_pod_terminal(new):
            for name in claims_of(old or new):
                self.queue.add(((old or new)["metadata"]["namespace"], name))

    async def reconcile(self, key: tuple[str, str]) -> None:
        claim = self.claims.get(*key)
        if claim is None or "deletionTimestamp" not in claim["metadata"] or FINALIZER not in (claim["metadata"].get("finalizers") or ()):
            return
        if not any(key[1] in claims_of(p) and p["spec"].get("nodeName") and not is_pod_terminal(p) for p in self.pods.list(key[0])):
            left = [f for f in claim["metadata"]["finalizers"] if f != FINALIZER]
            ignore_gone(self.client.patch, RESOURCE, *key, {"metadata": {"finalizers": left or None}})
