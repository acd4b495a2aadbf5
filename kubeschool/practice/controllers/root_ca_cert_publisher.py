"""Every namespace has a ConfigMap kube-root-ca.crt (`pkg/controller/certificates/rootcacertpublisher/publisher.go`)."""


from ..component import Controller
from ..deep_copy import deep_copy
from ..informer import key_of

NAME = "kube-root-ca.crt"
DESCRIPTION = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
}


class RootCACertPublisher(Controller):
    """`ca_certificate`: the cluster's CA in PEM."""

    name = "root-ca-cert-publisher"
    ca_certificate: str

    def setup(self) -> None:
        self.informers["namespaces"].on_change(lambda old, new: new and self.queue.add(new["metadata"]["name"]))
        self.informers["configmaps"].on_change(self._on_configmap)

    def _on_configmap(self, old: dict | None, new: dict | None) -> None:
        namespace, name = key_of(new or old)
        if name == NAME and old:
            self.queue.add(namespace)

    async def reconcile(self, namespace: str) -> None:
        found = self.informers["namespaces"].get("", namespace)
        if not found or found["status"]["phase"] != "Active":
            return
        data = {"ca.crt": self.ca_certificate}
        current = self.informers["configmaps"].get(namespace, NAME)
        if current is None:
            metadata = {"name": NAME, "namespace": namespace, "annotations": DESCRIPTION}
            self.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        elif current.get("data") != data or not DESCRIPTION.items() <= (current["metadata"].get("annotations") or {}).items():
            changed = deep_copy(current) | {"data": data}
            changed["metadata"].setdefault("annotations", {}).update(DESCRIPTION)
            self.client.update("configmaps", changed)
