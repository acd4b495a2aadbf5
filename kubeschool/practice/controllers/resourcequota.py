"""Keeps status.used of ResourceQuotas (`pkg/controller/resourcequota/resource_quota_controller.go`). What may be created is decided on
admission, which counts for itself."""

from decimal import Decimal

from ..apiserver import quota as quotas
from ..apiserver.quantity import family, format
from ..component import Controller
from ..deep_copy import deep_copy
from ..informer import key_of
from .utils import ignore_gone, settle

RESOURCE = "resourcequotas"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


class ResourceQuotaController(Controller):
    name = "resourcequota-controller"

    def setup(self) -> None:
        self.quotas = self.informers[RESOURCE]
        self.watched: set[str] = set()
        self.quotas.on_change(self._on_quota)
        self.informers[DEFINITIONS].on_change(lambda old, new: [self._on_quota(None, quota) for quota in self.quotas.list()])

    def _on_quota(self, old: dict | None, new: dict | None) -> None:
        if new:
            self.queue.add(key_of(new))
            for resource in self._resources(new):
                if resource not in self.watched:
                    self.watched.add(resource)
                    self.informers[resource].on_change(lambda old, new, resource=resource: self._on_object(resource, old, new))

    def _resources(self, quota: dict) -> set[str]:
        return quotas.resources_of(quota) & {r.name for r in self.client.resources()}

    def _on_object(self, resource: str, old: dict | None, new: dict | None) -> None:
        if old and new and quotas.usage(resource, old) == quotas.usage(resource, new) and old.get("status") == new.get("status"):
            return
        namespace = (new or old)["metadata"]["namespace"]
        for quota in self.quotas.list(namespace):
            if resource in self._resources(quota):
                self.queue.add_after(key_of(quota), settle(self.clock, len(self.informers[resource].objects)))

    async def reconcile(self, key: tuple[str, str]) -> None:
        quota = self.quotas.get(*key)
        if quota is None:
            return
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = dict.fromkeys(hard, Decimal(0))
        for resource in self._resources(quota):
            await self.informers[resource].synced()
            for obj in self.informers[resource].list(key[0]):
                if quotas.selects(quota, resource, obj):
                    for name, amount in quotas.usage(resource, obj).items():
                        if name in used:
                            used[name] += amount
        status = {"hard": hard, "used": {name: format(amount, family(hard[name])) for name, amount in used.items()}}
        if status != quota.get("status"):
            changed = deep_copy(quota)
            changed["status"] = status
            ignore_gone(self.client.update, RESOURCE, changed, "status")
