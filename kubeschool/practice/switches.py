"""Components and nodes, switched off and on one by one: what a real cluster's administrator does with manifests, systemd and power."""
from collections.abc import Callable, Mapping

from .apiserver.errors import ApiError
from .component import Component
from .component_log import ComponentLog
from .kubelet.kubelet import Kubelet
from .leader_election import LeaderElected
from .node_client import NodeClient


class Switches:
    """`components` by name, a node's kubelet as kubelet/NODE; `logs` of those that have one; `restarted(component)` is told of a new start.

    Where a component has replicas, its name means all of them and a pod's name (kube-scheduler-practice-control-plane2) one."""

    def __init__(self, components: Mapping[str, Component], logs: Mapping[str, ComponentLog], restarted: Callable[[Component], None]):
        self._components, self._logs, self._restarted = components, logs, restarted

    async def switch(self, what: str, name: str, action: str) -> str:
        """What is so now, in a sentence. Raises ApiError 404 and 400."""
        if what == "everything":
            return await self._everything()
        return await (self._component if what == "components" else self._node)(name, action)

    async def _component(self, name: str, action: str) -> str:
        meant = [
            key for key, c in self._components.items()
            if name in (key, c.name, f"{c.name}-{c.node}" if isinstance(c, LeaderElected) else key) and not isinstance(c, Kubelet)
        ]
        if not meant:
            raise _unknown("component", name, self._components)
        if action not in ("start", "stop"):
            raise _bad(f'a component can be told "start" and "stop", not "{action}"')
        for key in meant:
            component = self._components[key]
            if action == "start" and not component.running:
                await self.start(key)
                self._restarted(component)
            elif action == "stop" and component.running:
                await self.stop(key)
        return f"{name} {'runs' if action == 'start' else 'is switched off'}"

    async def _node(self, name: str, action: str) -> str:
        nodes = {each.node_name: each for each in self._components.values() if isinstance(each, Kubelet)}
        kubelet = nodes.get(name)
        if kubelet is None:
            raise _unknown("node", name, nodes)
        client = kubelet.client
        assert isinstance(client, NodeClient)
        if action == "start":
            client.mend()
            if not kubelet.running:
                await self.start(f"kubelet/{name}")
            for key in self._on(name):
                await self._component(key, "start")
            return f"node {name} runs"
        if kubelet.index == 0:
            raise _bad(f"the API server itself runs on {name}: choose another")
        if action == "partition":
            client.cut()
            return f"node {name} is cut off: it runs on and cannot reach the API server"
        if action != "stop":
            raise _bad(f'a node can be told "start", "stop" and "partition", not "{action}"')
        await self.stop(f"kubelet/{name}")
        for key in self._on(name):
            await self._components[key].kill()
            self._logs[key].stopped()
        for sandbox in list(kubelet.runtime.sandboxes.values()):
            kubelet.runtime.remove_sandbox(sandbox)
        return f"node {name} is switched off, with every container on it"

    def _on(self, node: str) -> list[str]:
        """The replicas of components that run on a control plane."""
        return [key for key, c in self._components.items() if isinstance(c, LeaderElected) and c.node == node]

    async def _everything(self) -> str:
        """Switch on what is off; empty when nothing was."""
        off = []
        for name, component in self._components.items():
            if isinstance(component, Kubelet):
                if not (component.running and component.client.connected):
                    off.append(await self._node(component.node_name, "start"))
            elif not component.running:
                off.append(await self._component(name, "start"))
        return "; ".join(off)

    async def start(self, name: str) -> None:
        if log := self._logs.get(name):
            log.started()
        await self._components[name].start()

    async def stop(self, name: str) -> None:
        await self._components[name].stop()
        if log := self._logs.get(name):
            log.stopped()


def _unknown(what: str, name: str, known: Mapping[str, object]) -> ApiError:
    return ApiError(404, "NotFound", f'there is no {what} "{name}"; there are: {", ".join(known)}')


def _bad(why: str) -> ApiError:
    return ApiError(400, "BadRequest", why)
