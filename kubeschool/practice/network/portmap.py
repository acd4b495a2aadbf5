"""hostPorts on this machine: 127.0.0.1:PORT leads to a pod with that hostPort, as kind's extraPortMappings do. In the cluster hostPorts
are the kubelet's (kubelet/hostports.py)."""
import asyncio
from collections import defaultdict

from ..client import Client
from ..clock import Clock
from ..component import Controller
from ..component_helpers import is_pod_terminal
from ..informer import key_of
from .doors import LOCALHOST, OUTSIDE, RETRY, open_door, unavailable
from .network import Network, Writer


class PortMap(Controller):
    name = "portmap"

    def __init__(self, client: Client, clock: Clock, network: Network):
        super().__init__(client, clock)
        self.network = network

    def setup(self) -> None:
        self.pods: dict[int, dict[tuple[str, str], dict]] = defaultdict(dict)
        self.doors: dict[int, asyncio.Server] = {}
        self.told: set[int] = set()
        self.informers["pods"].on_change(self._on_pod)

    def _on_pod(self, old: dict | None, new: dict | None) -> None:
        key = key_of(new or old)
        before, after = _host_ports(old), _host_ports(new)
        for port in before - after:
            self.pods[port].pop(key, None)
        for port in after:
            self.pods[port][key] = new
        for port in before ^ after:
            self.queue.add(port)

    async def stop(self) -> None:
        await super().stop()
        for door in self.doors.values():
            door.close()

    async def reconcile(self, port: int) -> None:
        pods = self.pods.get(port)
        if not pods:
            self.told.discard(port)
            if door := self.doors.pop(port, None):
                door.close()
        elif port not in self.doors:
            try:
                self.doors[port] = await open_door(port, lambda: self._enter(port))
                self.told.discard(port)
            except OSError as error:
                if port not in self.told:
                    self.told.add(port)
                    words = unavailable(port, error, "Pod", f"port {port} of its node from inside the cluster")
                    self.events.event(next(iter(pods.values())), "Warning", "PortUnavailable", words)
                self.queue.add_after(port, RETRY)

    async def _enter(self, port: int) -> tuple[asyncio.StreamReader, Writer]:
        pod = next(iter(self.pods[port].values()), None)
        if pod is None:
            raise ConnectionRefusedError
        return await self.network.connect(OUTSIDE, pod["status"]["hostIP"], port)


def _host_ports(pod: dict | None) -> set[int]:
    """TCP hostPorts of a running pod that has a network of its own."""
    if pod is None or pod["spec"].get("hostNetwork") or is_pod_terminal(pod) or not (pod.get("status") or {}).get("podIP"):
        return set()
    return {port["hostPort"] for container in pod["spec"]["containers"] for port in container.get("ports") or ()
            if port.get("hostPort") and port.get("protocol", "TCP") == "TCP" and port.get("hostIP") in (None, "", "0.0.0.0", LOCALHOST)}
