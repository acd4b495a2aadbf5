"""A whole practice cluster: the one file that knows every part and puts them together."""
import asyncio
import contextlib
import logging
import socket
import time
import uuid
from base64 import b64encode
from pathlib import Path

from aiohttp import web

from .apiserver import admission, resources, schema
from .apiserver.audit import Audit
from .apiserver.authentication import ServiceAccountTokens
from .apiserver.authorization import Authorizer
from .apiserver.bootstrap import bootstrap
from .apiserver.customresources import CustomResourceDefinitions
from .apiserver.errors import ApiError
from .apiserver.http import HttpServer
from .apiserver.practice_paths import PracticePaths
from .apiserver.registry import Registry
from .apiserver.user import User
from .client import Client
from .clock import Clock
from .component import Component
from .component_log import ComponentLog
from .control_plane import ControlPlane
from .controllers.local_path_provisioner import LocalPathProvisioner
from .controllers.manager import ControllerManager
from .informer import key_of
from .kubelet.kubelet import Kubelet
from .leader_election import LeaderElected
from .metrics_server import MetricsServer
from .network.dns import CoreDNS
from .network.ingress import IngressController
from .network.network import Network
from .network.policy import NetworkPolicies
from .network.portmap import PortMap
from .network.proxy import KubeProxy
from .node_client import NodeClient
from .pki import Pki
from .runtime.runtime import Runtime
from .scheduler.scheduler import SCHEDULER_NAME, Scheduler
from .store import Store
from .switches import Switches
from .version import GIT_VERSION

NAME = "practice"
API_HOST, API_PORT = "172.18.0.2", 6443
"""Where pods reach the API server, on the control plane node's address."""

EVENT_SOURCES = {
    "kube-scheduler": ("default-scheduler",),
    "kube-controller-manager": ("controllermanager", "daemonset-controller", "persistentvolume-controller"),
    "local-path-provisioner": ("rancher.io/local-path",),
}
"""The names in which components write events, where these are not their own."""

CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


FURTHER = 200
"""The number of the second control plane: its address and pod network are those of no worker."""


def node_names(count: int, control_planes: int = 1) -> dict[str, int]:
    """kind's names (a control plane, then workers, then further control planes), each with the number that its addresses follow from."""
    workers = {f"{NAME}-worker{i if i > 1 else ''}": i for i in range(1, count)}
    return {f"{NAME}-control-plane": 0, **workers, **{f"{NAME}-control-plane{i + 1}": FURTHER + i for i in range(1, control_planes)}}


class Cluster:
    """`folder` holds everything that outlives the process: state.db, pki/, kubeconfig. `port` 0: as last time, or any free one.

    Of `control_planes` each after the first is one more node, with a scheduler and a controller manager of its own; the API server and
    etcd stay one.
    """

    def __init__(self, folder: Path, nodes: int = 1, speed: float = 1.0, port: int = 0, control_planes: int = 1):
        self.folder, self.clock = folder, Clock(speed)
        folder.mkdir(parents=True, exist_ok=True)
        self._store = Store(folder / "state.db")  # locked from here on: a second process for this folder ends, and has written nothing
        self._pki = Pki(folder / "pki").ensure()
        self._port = port
        self.audit = Audit()
        authorizer, tokens = Authorizer(self._store), ServiceAccountTokens(folder / "pki" / "sa.key")
        self._registry = Registry(self._store, resources.RESOURCES, admission.chain(self._client), authorizer, tokens, self.audit.observe)
        self.network = Network(self.clock)
        apiserver = self._client("system:apiserver", "kube-apiserver", "system:masters")
        self.components: dict[str, Component] = {}
        self._logs: dict[str, ComponentLog] = {}
        self._switches = Switches(self.components, self._logs, lambda component: self._control_plane.renew(component))
        paths = PracticePaths(self.audit, self._switches.switch, self._explain, self._store)
        self.http = HttpServer(self._registry, self._kubelet_server, apiserver, self._connect, paths)
        self._definitions = CustomResourceDefinitions(apiserver, self.clock, self._registry)
        for name in ("scheduler", "controller-manager"):
            self._registry.healthy[name] = lambda kind=f"kube-{name}": any(c.running for c in self.components.values() if c.name == kind)
        for name in ("etcd", "kube-apiserver"):
            self._logs[name] = ComponentLog(name)
        self.nodes = node_names(nodes, control_planes)
        masters = [node for node, number in self.nodes.items() if number in (0, *range(FURTHER, FURTHER + control_planes))]
        for node in masters:
            self._add_replica(Scheduler(self._client("system:kube-scheduler", "kube-scheduler"), self.clock), node, masters)
            manager = ControllerManager(self._controller_client, self.clock, self._pki)
            self._add_replica(manager, node, masters, *(controller.name for controller in manager.controllers))
        metrics_server = MetricsServer(self._client("system:serviceaccount:kube-system:metrics-server"), self.clock, self._kubelet_server)
        self._registry.metrics = metrics_server.serve
        self._add(metrics_server)
        self._add(LocalPathProvisioner(self._controller_client(LocalPathProvisioner.name), self.clock))
        self._add(KubeProxy(self._client("system:kube-proxy", "kube-proxy"), self.clock, self.network))
        self._add(NetworkPolicies(self._client("system:serviceaccount:kube-system:kindnet", "kindnet"), self.clock, self.network))
        self._add(PortMap(self._client("system:serviceaccount:kube-system:kindnet", "portmap"), self.clock, self.network))
        self._add(IngressController(self._client("system:serviceaccount:ingress-nginx:ingress-nginx"), self.clock, self.network))
        self._add(CoreDNS(self._client("system:serviceaccount:kube-system:coredns", "coredns"), self.clock, self.network))
        runtimes = {name: Runtime(name, self.clock, self.network) for name in self.nodes}
        for name, runtime in runtimes.items():
            runtime.components = {**self._logs, **{c.name: self._logs[key] for key, c in self._replicas(name)}}
            client = self._client(f"system:node:{name}", "kubelet", "system:nodes", kind=NodeClient)
            taints = [CONTROL_PLANE_TAINT] if name in masters and len(self.nodes) > 1 else []
            self.components[f"kubelet/{name}"] = Kubelet(client, self.clock, runtime, name, self.nodes[name], taints)
        kubeadm = self._client("kubernetes-admin", "kubeadm", "system:masters")
        kubelets = {name: self.components[f"kubelet/{name}"].client for name in masters}
        self._control_plane = ControlPlane(kubeadm, self.clock, kubelets, runtimes.values())

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    async def start(self) -> None:
        """Serve the API, then start the components. Returns when requests are answered; nodes turn Ready a moment later."""
        schema.builtin()
        await self._definitions.start()
        self._runner = web.ServerRunner(web.Server(self.http.handle, access_log=None, handler_cancellation=True), shutdown_timeout=1)
        await self._runner.setup()
        listener = self._listen()
        self._port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener, ssl_context=self._pki.server_context()).start()
        apiserver = self._client("system:apiserver", "kube-apiserver", "system:masters")
        bootstrap(apiserver, API_HOST, API_PORT)
        for name in (node["metadata"]["name"] for node in apiserver.list("nodes")):
            if name.startswith(f"{NAME}-") and name not in self.nodes:  # there the last time, and taken away since
                apiserver.delete("nodes", None, name)
                for pod in apiserver.list("pods", fields=f"spec.nodeName={name}"):
                    apiserver.delete("pods", *key_of(pod), grace=0)
        self._say_hello()
        for name in self.components:
            await self._switches.start(name)
        self._write_kubeconfig()
        await self._control_plane.start()

    async def stop(self) -> None:
        for component in (self._control_plane, *reversed(self.components.values())):
            await component.stop()
        for log in self._logs.values():
            log.close()
        await self._definitions.stop()
        self._store.close()
        await self._runner.cleanup()

    def idle_seconds(self) -> float:
        """Time since the last request, 0 while one is being answered."""
        return 0.0 if self.http.active else time.monotonic() - self.http.last_request

    def _add(self, component: Component, *loggers: str) -> None:
        self.components[component.name] = component
        self._logs[component.name] = ComponentLog(component.name, component.name, *loggers, *EVENT_SOURCES.get(component.name, ()))

    def _add_replica(self, component: Component, node: str, masters: list[str], *loggers: str) -> None:
        """A component that is there on every control plane: named as its pod is, the first one as the component."""
        is_scheduler = isinstance(component, Scheduler)
        elected = LeaderElected(
            component, node, f"{node}_{uuid.uuid5(uuid.NAMESPACE_DNS, f'{component.name}.{node}')}",
            alone=len(masters) == 1, releases=is_scheduler, source=SCHEDULER_NAME if is_scheduler else component.name,
        )
        key = component.name if node == masters[0] else f"{component.name}-{node}"
        self.components[key] = elected
        log = self._logs[key] = ComponentLog(key, component.name, elected.log.name, *loggers, *EVENT_SOURCES[component.name])
        log.addFilter(lambda record: elected.leads or record.name == elected.log.name)

    def _replicas(self, node: str) -> list[tuple[str, LeaderElected]]:
        return [(key, c) for key, c in self.components.items() if isinstance(c, LeaderElected) and c.node == node]

    def _explain(self, namespace: str, name: str) -> dict:
        """What the leading scheduler makes of a pod."""
        for component in self.components.values():
            if isinstance(component, LeaderElected) and component.leads and isinstance(component.replica, Scheduler):
                return component.replica.explain(namespace, name).report()
        raise ApiError(503, "ServiceUnavailable", "no kube-scheduler leads: there is nobody to say what would become of the pod")

    def _say_hello(self) -> None:
        """What those parts of this process have to say whose pods have no component of their own behind them."""
        for name in ("etcd", "kube-apiserver"):
            self._logs[name].started()
        logging.getLogger("etcd").debug('"opened backend" path="%s" revision=%d', self.folder / "state.db", self._store.revision)
        logging.getLogger("kube-apiserver").debug('"Version" version="%s"', GIT_VERSION)
        logging.getLogger("kube-apiserver").debug("Serving securely on 127.0.0.1:%d", self._port)

    def _client(self, user: str, manager: str = "kube-apiserver", *groups: str, kind: type[Client] = Client) -> Client:
        return kind(self._registry, User(user, (*groups, "system:authenticated")), manager)

    async def _connect(self, ip: str, port: int):
        return await self.network.connect(API_HOST, ip, port)

    def _controller_client(self, controller: str) -> Client:
        return self._client(f"system:serviceaccount:kube-system:{controller}", "kube-controller-manager")

    def _kubelet_server(self, node: str):
        kubelet = self.components.get(f"kubelet/{node}")
        return kubelet.server if kubelet and kubelet.running and kubelet.client.connected else None

    def _listen(self) -> socket.socket:
        """The port of last time keeps kubeconfigs valid across a restart; if someone took it, any other."""
        last = self.folder / "port"
        wanted = self._port or (int(last.read_text()) if last.exists() else 0)
        try:
            listener = socket.create_server(("127.0.0.1", wanted), backlog=256)
        except OSError:
            if self._port:
                raise
            listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        last.write_text(str(listener.getsockname()[1]))
        return listener

    def _write_kubeconfig(self) -> None:
        def embedded(path: Path) -> str:
            return b64encode(path.read_bytes()).decode()

        text = f"""apiVersion: v1
kind: Config
clusters:
- name: {NAME}
  cluster:
    server: https://127.0.0.1:{self._port}
    certificate-authority-data: {embedded(self._pki.ca)}
contexts:
- name: {NAME}
  context:
    cluster: {NAME}
    user: {NAME}
current-context: {NAME}
users:
- name: {NAME}
  user:
    client-certificate-data: {embedded(self._pki.admin_certificate)}
    client-key-data: {embedded(self._pki.admin_key)}
"""
        draft = self.kubeconfig.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.replace(self.kubeconfig)


async def serve(cluster: Cluster, idle_timeout: float | None, stopping: asyncio.Event) -> str:
    """Run until `stopping` is set or nobody asked anything for `idle_timeout` seconds; returns why it ended."""
    await cluster.start()
    why = "asked to stop"
    try:
        while not stopping.is_set():
            left = idle_timeout - cluster.idle_seconds() if idle_timeout else None
            if left is not None and left <= 0:
                why = f"idle for {idle_timeout:.0f} s"
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await stopping.wait()
    finally:
        await cluster.stop()
    logging.getLogger("practice").info("stopped: %s", why)
    return why
