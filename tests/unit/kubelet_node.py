"""A node to try the kubelet on: store, registry, client and kubelet of one simulated node, without HTTP."""
import asyncio
import copy
from collections.abc import Callable

from kubeschool.practice.apiserver.authentication import ServiceAccountTokens
from kubeschool.practice.apiserver.authorization import Authorizer
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.registry import Registry
from kubeschool.practice.apiserver.resources import RESOURCES
from kubeschool.practice.apiserver.user import User
from kubeschool.practice.client import Client
from kubeschool.practice.clock import Clock
from kubeschool.practice.kubelet.kubelet import Kubelet
from kubeschool.practice.network.network import Network
from kubeschool.practice.runtime.runtime import Runtime
from kubeschool.practice.store import Store

NODE = "practice-worker"


class Node:
    """`async with Node(folder) as node`: node.run(pod) starts a pod, node.until(pod, condition) awaits one."""

    tokens: ServiceAccountTokens | None = None
    """Made once: a key takes a while."""

    def __init__(self, folder, speed: float = 1000.0):
        self.folder, self.clock = folder, Clock(speed)
        self.store = Store(folder / "state.db")
        self.boot()

    def boot(self) -> None:
        """A machine that has just been switched on: nothing in the runtime, everything in the store."""
        Node.tokens = Node.tokens or ServiceAccountTokens(self.folder / "sa.key")
        registry = Registry(self.store, RESOURCES, lambda *request: None, Authorizer(self.store), Node.tokens)
        self.client = Client(registry, User("admin"), "test")
        self.network = Network(self.clock)
        self.runtime = Runtime(NODE, self.clock, self.network)
        self.kubelet = Kubelet(Client(registry, User(f"system:node:{NODE}"), "kubelet"), self.clock, self.runtime, NODE, 1)

    async def __aenter__(self) -> "Node":
        for name in ("default", "kube-node-lease"):
            self.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        await self.kubelet.start()
        return self

    async def __aexit__(self, *failure) -> None:
        await self.kubelet.stop()
        for sandbox in list(self.runtime.sandboxes.values()):
            self.runtime.remove_sandbox(sandbox)
        self.store.close()

    def run(self, spec: dict, name: str = "web", **meta) -> dict:
        """Create a pod that is already bound to the node. Containers may leave out name and image."""
        spec = copy.deepcopy(spec)
        for number, container in enumerate(spec["containers"]):
            container.setdefault("name", "app" if number == 0 else f"app{number}")
            container.setdefault("image", "busybox:1.36")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", **meta}}
        return self.client.create("pods", {**pod, "spec": {"nodeName": NODE, **spec}})

    def pod(self, name: str = "web") -> dict:
        return self.client.get("pods", "default", name)

    async def until(self, condition: Callable[[dict], object], name: str = "web", seconds: float = 10.0) -> dict:
        """The first version of the pod that satisfies `condition`."""
        watch = self.store.watch("pods")
        try:
            async with asyncio.timeout(seconds):
                if condition(self.pod(name)):
                    return self.pod(name)
                async for event in watch:
                    if event.current and event.current.key[2] == name and condition(event.current.object):
                        return event.current.object
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; {self.pod(name).get('status')}\n{self.events(name)}") from None
        finally:
            watch.close()

    async def gone(self, name: str = "web", seconds: float = 10.0) -> None:
        """Until the API server has forgotten the pod."""
        watch = self.store.watch("pods")
        try:
            async with asyncio.timeout(seconds):
                self.pod(name)
                async for event in watch:
                    if event.current is None and event.previous.key[2] == name:
                        return
        except ApiError:
            return
        finally:
            watch.close()

    async def worker_gone(self) -> None:
        """Until the kubelet has no more pods."""
        async with asyncio.timeout(10):
            while self.kubelet.workers:
                await asyncio.sleep(0)

    def container(self, name: str = "web", number: int = 0):
        """A runtime container of a pod, the latest run of each name last."""
        return self.kubelet.worker("default", name).sandbox.containers[number]

    def events(self, name: str = "web") -> list[tuple[str, str, str]]:
        """(type, reason, message) about a pod, oldest first."""
        found = [e for e in self.client.list("events", "default") if e["involvedObject"]["name"] == name]
        return [(e["type"], e["reason"], e["message"]) for e in sorted(found, key=lambda e: e["metadata"]["name"].rpartition(".")[2])]


def container(pod: dict, name: str = "app") -> dict:
    """The status of one container."""
    status = pod.get("status", {})
    return next((s for key in ("containerStatuses", "initContainerStatuses") for s in status.get(key, ()) if s["name"] == name), {})


def running(pod: dict) -> bool:
    return "running" in container(pod).get("state", {})


def ready(pod: dict) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))


def waits(reason: str, name: str = "app") -> Callable[[dict], bool]:
    return lambda pod: container(pod, name).get("state", {}).get("waiting", {}).get("reason") == reason


def phase(wanted: str) -> Callable[[dict], bool]:
    return lambda pod: pod.get("status", {}).get("phase") == wanted
