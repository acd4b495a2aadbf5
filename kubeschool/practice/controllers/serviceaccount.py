"""Every namespace has a ServiceAccount `default` (`pkg/controller/serviceaccount/serviceaccounts_controller.go`)."""

from ..component import Controller
from ..informer import key_of


class ServiceAccountsController(Controller):
    name = "service-account-controller"

    def setup(self) -> None:
        self.informers["namespaces"].on_change(lambda old, new: new and self.queue.add(new["metadata"]["name"]))
        self.informers["serviceaccounts"].on_change(self._on_account)

    def _on_account(self, old: dict | None, new: dict | None) -> None:
        if new is None and old["metadata"]["name"] == "default":
            self.queue.add(key_of(old)[0])

    async def reconcile(self, namespace: str) -> None:
        found = self.informers["namespaces"].get("", namespace)
        if found and found["status"]["phase"] == "Active" and not self.informers["serviceaccounts"].get(namespace, "default"):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
            self.client.create("serviceaccounts", account)
