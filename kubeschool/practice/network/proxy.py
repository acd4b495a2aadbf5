"""kube-proxy: makes Service addresses lead to pods (`pkg/proxy/iptables/proxier.go`), and on this machine opens NodePorts and
LoadBalancer ports on 127.0.0.1.

What it has programmed into the network stays when it stops, as iptables rules do; the real listeners are its own and close.
"""

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from ..client import Client
from ..clock import Clock
from ..component import Controller
from ..informer import key_of
from .doors import LOCALHOST, OUTSIDE, RETRY, open_door, unavailable
from .network import Address, Backends, Frontend, Network, Writer

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"


class KubeProxy(Controller):
    name = "kube-proxy"

    def __init__(self, client: Client, clock: Clock, network: Network):
        super().__init__(client, clock)
        self.network = network
        self.listeners: dict[tuple[str, str], dict[int, asyncio.Server]] = defaultdict(dict)

    def setup(self) -> None:
        self.services, self.nodes = self.informers["services"], self.informers["nodes"]
        self.slices: dict[tuple[str, str], dict[str, dict]] = defaultdict(dict)
        self.programmed: dict[tuple[str, str], set[Address]] = defaultdict(set)
        self.told: set[tuple] = set()
        self.services.on_change(lambda old, new: self.queue.add(key_of(new or old)))
        self.informers[SLICES].on_change(self._on_slice)
        self.nodes.on_change(self._on_node)

    def _on_slice(self, old: dict | None, new: dict | None) -> None:
        namespace, name = key_of(new or old)
        for found in (old, new):
            if found and (service := (found["metadata"].get("labels") or {}).get(SERVICE_NAME)):
                self.slices[namespace, service].pop(name, None)
                if found is new:
                    self.slices[namespace, service][name] = new
                self.queue.add((namespace, service))

    def _on_node(self, old: dict | None, new: dict | None) -> None:
        if _node_addresses(old) != _node_addresses(new):
            for service in self.services.list():
                if any(p.get("nodePort") for p in service["spec"].get("ports") or ()):
                    self.queue.add(key_of(service))

    async def run(self) -> None:
        await super().run()
        wanted = {address for service in self.services.list() for address in self._rules(service)}
        for address in set(self.network.services) - wanted:
            del self.network.services[address]

    async def stop(self) -> None:
        await super().stop()
        for listeners in self.listeners.values():
            for server in listeners.values():
                server.close()
        self.listeners.clear()

    async def reconcile(self, key: tuple[str, str]) -> None:
        service = self.services.get(*key)
        rules = self._rules(service) if service else {}
        for frontend in self.programmed[key] - set(rules):
            self.network.services.pop(frontend, None)
        for frontend, backends in rules.items():
            known = self.network.services.get(frontend)
            if known is None:
                self.network.services[frontend] = backends
            else:
                known.addresses, known.affinity_seconds, known.near = backends.addresses, backends.affinity_seconds, backends.near
        self.programmed[key] = set(rules)
        await self._listen(key, service)

    def _rules(self, service: dict) -> dict[Frontend, Backends]:
        """Where each address and port of a Service leads."""
        spec = service["spec"]
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") in (None, "", "None"):
            return {}
        rules: dict[Frontend, Backends] = {}
        balancer = [i["ip"] for i in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or () if i.get("ip")]
        affinity = _affinity_seconds(service)
        for port in spec.get("ports") or ():
            protocol = port.get("protocol", "TCP")
            backends = self._backends(key_of(service), port.get("name", ""))
            inside = self._near(backends) if spec.get("internalTrafficPolicy") == "Local" else None
            local = spec.get("externalTrafficPolicy") == "Local"
            addresses = [address for address, _ in backends]
            rules[spec["clusterIP"], port["port"], protocol] = Backends(addresses, affinity, inside)
            for ip in (*(spec.get("externalIPs") or ()), *(ip for ip in balancer if ip != LOCALHOST)):
                rules[ip, port["port"], protocol] = Backends(addresses, affinity)
            if port.get("nodePort"):
                for node in self.nodes.list():
                    near = self._near(backends, node["metadata"]["name"]) if local else None
                    for ip in _node_addresses(node):
                        rules[ip, port["nodePort"], protocol] = Backends(addresses, affinity, near)
        return rules

    def _near(self, backends: list[tuple[Address, str]], receiving_node: str = "") -> Callable[[str], list[Address]]:
        """For a client's IP, the endpoints on its own node (all, where it has none); for a `receiving_node`, those there, and all for the
        pods of that node."""
        def near(source_ip: str) -> list[Address]:
            own = self._node_of(source_ip)
            return [address for address, node in backends if node == (receiving_node or own) or own == receiving_node]
        return near

    def _node_of(self, ip: str) -> str:
        """The node with this address or in whose podCIDR it is."""
        for node in self.nodes.list():
            cidr = node["spec"].get("podCIDR")
            if ip in _node_addresses(node) or (cidr and ipaddress.ip_address(ip) in ipaddress.ip_network(cidr)):
                return node["metadata"]["name"]
        return ""

    def _backends(self, service: tuple[str, str], port_name: str) -> list[tuple[Address, str]]:
        """((IP, port), node) of the endpoints that get traffic: the ready ones, else those still serving while they terminate."""
        ready, leaving = [], []
        for found in self.slices[service].values():
            number = next((p.get("port") for p in found.get("ports") or () if (p.get("name") or "") == port_name), None)
            if number is None:
                continue
            for endpoint in found.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                backend = (endpoint["addresses"][0], number), endpoint.get("nodeName", "")
                if conditions.get("ready", True):
                    ready.append(backend)
                elif conditions.get("serving") and conditions.get("terminating"):
                    leaving.append(backend)
        return ready or leaving

    # -- this machine --------------------------------------------------------------------------------------

    async def _listen(self, key: tuple[str, str], service: dict | None) -> None:
        wanted = _host_ports(service) if service else {}
        listeners = self.listeners[key]
        for port in set(listeners) - set(wanted):
            listeners.pop(port).close()
        for port in set(wanted) - set(listeners):
            try:
                listeners[port] = await open_door(port, partial(self._enter, key, port))
                self.told.discard((key, port))
            except OSError as error:
                self._tell(key, service, port, error)
                self.queue.add_after(key, RETRY)
        if not service:
            self.listeners.pop(key, None)
            self.told = {t for t in self.told if t[0] != key}

    def _tell(self, key: tuple[str, str], service: dict, port: int, error: OSError) -> None:
        if (key, port) not in self.told:
            self.told.add((key, port))
            message = unavailable(port, error, "Service", "the Service's nodePort")
            self.events.event(service, "Warning", "PortUnavailable", message)

    async def _enter(self, key: tuple[str, str], host_port: int) -> tuple[asyncio.StreamReader, Writer]:
        """A connection from this machine to a Service, by a node's NodePort as from outside. Under externalTrafficPolicy Local it goes to a
        node that has an endpoint, and the pod sees who calls; else it sees the node."""
        service = self.services.get(*key)
        port = _host_ports(service).get(host_port) if service else None
        if port is None:
            raise ConnectionRefusedError
        spec = service["spec"]
        if not port.get("nodePort"):
            return await self.network.connect(OUTSIDE, spec["clusterIP"], port["port"])
        ips = {node["metadata"]["name"]: ip for node in self.nodes.list() for ip in _node_addresses(node)}
        local = spec.get("externalTrafficPolicy") == "Local"
        having = {node for _, node in self._backends(key, port.get("name", ""))} if local else ips
        ip = next((ip for name, ip in ips.items() if name in having), next(iter(ips.values()), LOCALHOST))
        return await self.network.connect(OUTSIDE, ip, port["nodePort"], "" if local else ip)


def _host_ports(service: dict) -> dict[int, dict]:
    """{port to open on this machine: the Service's port it leads to}."""
    spec = service["spec"]
    if spec.get("type") not in ("NodePort", "LoadBalancer") or spec.get("clusterIP") in (None, "", "None"):
        return {}
    ports = [p for p in spec.get("ports") or () if p.get("protocol", "TCP") == "TCP"]
    wanted = {p["nodePort"]: p for p in ports if p.get("nodePort")}
    balancer = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    if spec["type"] == "LoadBalancer" and any(i.get("ip") == LOCALHOST for i in balancer):
        wanted |= {p["port"]: p for p in ports}
    return wanted


def _affinity_seconds(service: dict) -> float | None:
    if service["spec"].get("sessionAffinity") != "ClientIP":
        return None
    config = (service["spec"].get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return config.get("timeoutSeconds", 10800)


def _node_addresses(node: dict | None) -> list[str]:
    return [a["address"] for a in ((node or {}).get("status") or {}).get("addresses") or () if a["type"] == "InternalIP"]
