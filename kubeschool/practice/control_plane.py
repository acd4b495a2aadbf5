"""What kubeadm and kind put into a new cluster: the control plane's own static pods, CoreDNS, kube-proxy, the network, the storage class
(`cmd/kubeadm/app/phases`; kind `pkg/cluster/internal/create/actions`); and a metrics server and an ingress controller, which lessons need.
The objects are the files in manifests/.

The containers of these pods stand for components that run beside them in this process (runtime/images/component.py).
"""
import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .apiserver.bootstrap_policy import bootstrap_policy
from .apiserver.errors import ApiError
from .client import Client
from .clock import Clock, now
from .component import Component
from .informer import key_of
from .runtime.runtime import Runtime
from .version import GIT_VERSION

MANIFESTS = Path(__file__).parent / "manifests"
STATIC_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
REPLICATED = ("kube-controller-manager", "kube-scheduler")
"""Those that further control planes have as well."""
ADDONS = ("local-path-provisioner", "coredns", "kindnet", "kube-proxy", "metrics-server", "ingress-nginx")
GIVE_WAY = 0.5
"""Real seconds for those who wait for the nodes to be Ready and go first."""
NAMESPACES = ("kube-system", "local-path-storage", "ingress-nginx")
RESOURCES = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "ConfigMap": "configmaps",
    "Service": "services",
    "Deployment": "deployments.apps",
    "DaemonSet": "daemonsets.apps",
    "ClusterRole": "clusterroles.rbac.authorization.k8s.io",
    "ClusterRoleBinding": "clusterrolebindings.rbac.authorization.k8s.io",
    "StorageClass": "storageclasses.storage.k8s.io",
    "IngressClass": "ingressclasses.networking.k8s.io",
}


class ControlPlane(Component):
    """`kubelets` are the clients of the control planes' kubelets by node, which make the mirror pods; every one of `runtimes` has the
    images."""

    name = "kubeadm"

    def __init__(self, client: Client, clock: Clock, kubelets: Mapping[str, Client], runtimes: Iterable[Runtime]):
        super().__init__(client, clock)
        self._kubelets, self._runtimes = kubelets, list(runtimes)
        self._static: dict[str, dict] = {}

    async def run(self) -> None:
        await self._apply("storage-class")
        nodes = [await self._registered(node) for node in self._kubelets]
        await asyncio.sleep(GIVE_WAY)
        await self._load_images()
        for name in ADDONS:
            await self._apply(name)
        for node, names in zip(nodes, (STATIC_PODS, *[REPLICATED] * len(nodes)), strict=False):
            for pod in (pod for name in names for pod in self._mirror(name, node)):
                self._static[pod["metadata"]["name"]] = pod
                self._ensure_static(pod)
                await asyncio.sleep(0)
        for node in self._kubelets:
            pods = self.informers.selected("pods", f"spec.nodeName={node}")
            await pods.synced()
            pods.on_change(self._keep)
        await bootstrap_policy(self.client)

    def renew(self, component: Component) -> None:
        """Replace the pods that stand for a component which has just been started: they need not wait for their back-off."""
        node = getattr(component, "node", None)
        for pod in self.client.list("pods", fields=f"spec.nodeName={node}" if node else ""):
            containers = pod["spec"]["containers"]
            if pod["metadata"]["namespace"] in NAMESPACES and any(f"/{component.name}" in c["image"] for c in containers):
                self.client.delete("pods", *key_of(pod), grace=0)

    async def _apply(self, name: str) -> None:
        for obj in _load(name):
            self._ensure(self.client, RESOURCES[obj["kind"]], obj)
            await asyncio.sleep(0)

    async def _registered(self, node: str) -> dict:
        """A control plane's Node, once it is there."""
        there: asyncio.Future[dict] = asyncio.get_running_loop().create_future()

        def seen(old: dict | None, new: dict | None) -> None:
            if new and not there.done():
                there.set_result(new)

        self.informers.selected("nodes", f"metadata.name={node}").on_change(seen)
        return await there

    async def _load_images(self) -> None:
        """The images of these pods are on every node, as in kind's node image."""
        for image in _images():
            for runtime in self._runtimes:
                runtime.load_image(image)
            await asyncio.sleep(0)

    def _mirror(self, name: str, node: dict) -> Iterator[dict]:
        """The pod through which the API shows a static pod (`pkg/kubelet/pod/mirror_client.go`)."""
        for pod in _load(name):
            digest = hashlib.md5(repr(pod).encode(), usedforsecurity=False).hexdigest()
            meta = pod["metadata"]
            annotations = {f"kubernetes.io/config.{key}": value for key, value in (
                ("hash", digest), ("mirror", digest), ("seen", now().isoformat().replace("+00:00", "Z")), ("source", "file"))}
            owner = {"apiVersion": "v1", "controller": True, "kind": "Node", **{key: node["metadata"][key] for key in ("name", "uid")}}
            meta |= {"name": f"{meta['name']}-{owner['name']}", "ownerReferences": [owner],
                     "annotations": {**meta.get("annotations", {}), **annotations}}
            pod["spec"] |= {"nodeName": owner["name"], "hostNetwork": True, "priorityClassName": "system-node-critical",
                            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                            "tolerations": [{"effect": "NoExecute", "operator": "Exists"}]}
            yield pod

    def _keep(self, old: dict | None, new: dict | None) -> None:
        """A mirror pod that was deleted comes back: the kubelet still has its manifest."""
        if new is None and old["metadata"]["name"] in self._static and old["metadata"]["namespace"] == "kube-system":
            self._ensure_static(self._static[old["metadata"]["name"]])

    def _ensure_static(self, pod: dict) -> None:
        self._ensure(self._kubelets[pod["spec"]["nodeName"]], "pods", pod)

    def _ensure(self, client: Client, resource: str, obj: dict) -> None:
        try:
            client.get(resource, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        except ApiError:
            try:
                client.create(resource, obj)
            except ApiError as error:
                self.log.error("%s %s: %s", resource, obj["metadata"]["name"], error)


def _load(name: str) -> list[dict]:
    import yaml

    text = (MANIFESTS / f"{name}.yaml").read_text().replace("VERSION", GIT_VERSION)
    return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _images() -> list[str]:
    return [
        line.split("image:")[1].strip().replace("VERSION", GIT_VERSION)
        for name in (*STATIC_PODS, *ADDONS)
        for line in (MANIFESTS / f"{name}.yaml").read_text().splitlines()
        if "image:" in line
    ]
