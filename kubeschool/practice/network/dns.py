"""CoreDNS with its kubernetes plugin: names of Services and pods (`plugin/kubernetes` of CoreDNS; the DNS specification of
kubernetes/dns `docs/specification.md`). Other names do not exist: nothing leaves this machine."""

import asyncio
from collections import defaultdict

from ..client import Client
from ..clock import Clock
from ..component import Component
from ..informer import key_of
from .network import NameNotFound, Network

ZONE = ("cluster", "local")
ADDRESS = "10.96.0.10"
SLICES = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MAX_ALIASES = 8

Endpoint = tuple[str, str]
"""(the endpoint's own label, its IP)"""


class CoreDNS(Component):
    """Answers at `address`, the cluster IP of the Service kube-dns, while it runs."""

    name = "coredns"

    def __init__(self, client: Client, clock: Clock, network: Network, address: str = ADDRESS):
        super().__init__(client, clock)
        self.network, self.address = network, address

    async def run(self) -> None:
        self.services, self.namespaces = self.informers["services"], self.informers["namespaces"]
        self.slices: dict[tuple[str, str], dict[str, dict]] = defaultdict(dict)
        self.informers[SLICES].on_change(self._on_slice)
        await self.informers.synced()
        self.network.nameservers[self.address] = self.lookup
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.network.nameservers.pop(self.address, None)
        await super().stop()

    def _on_slice(self, old: dict | None, new: dict | None) -> None:
        namespace, name = key_of(new or old)
        for found in (old, new):
            if found and (service := (found["metadata"].get("labels") or {}).get(SERVICE_NAME)):
                self.slices[namespace, service].pop(name, None)
                if found is new:
                    self.slices[namespace, service][name] = new

    def lookup(self, name: str, kind: str = "A") -> list[str]:
        """Records of an absolute name in lower case without its last dot: addresses for A, names for CNAME and PTR, `priority weight port
        target` for SRV. [] when the name has none of that kind. Raises NameNotFound (NXDOMAIN)."""
        labels = name.split(".")
        if labels[-2:] == ["in-addr", "arpa"]:
            return self._reverse(".".join(reversed(labels[:-2]))) if kind == "PTR" else []
        if tuple(labels[-2:]) != ZONE:
            raise NameNotFound(name)
        match labels[:-2]:
            case [] | ["svc"] | ["pod"]:
                return []
            case [namespace, "svc" | "pod"] if self.namespaces.get("", namespace):
                return []
            case [dashed, namespace, "pod"] if self.namespaces.get("", namespace) and _is_dashed(dashed):
                return [dashed.replace("-", ".")] if kind == "A" else []
            case [service, namespace, "svc"]:
                return self._service(namespace, service, kind)
            case [port, protocol, service, namespace, "svc"] if port.startswith("_") and protocol in ("_tcp", "_udp"):
                return self._ports(namespace, service, port[1:], protocol[1:].upper(), kind)
            case [endpoint, service, namespace, "svc"]:
                found = [ip for own, ip in self._endpoints(namespace, service) if own == endpoint]
                if found:
                    return found if kind == "A" else []
        raise NameNotFound(name)

    def _service(self, namespace: str, name: str, kind: str) -> list[str]:
        service = self._get(namespace, name)
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            return [spec["externalName"]] if kind == "CNAME" else self._alias(spec["externalName"], kind)
        if kind == "SRV":
            return [
                r for p in spec.get("ports") or () for r in self._ports(namespace, name, p.get("name", ""), p.get("protocol", "TCP"), kind)
            ]
        if spec.get("clusterIP") == "None":
            addresses = [ip for _, ip in self._endpoints(namespace, name)]
            if not addresses:
                raise NameNotFound(name)
        else:
            addresses = [spec["clusterIP"]]
        return addresses if kind == "A" else []

    def _alias(self, name: str, kind: str) -> list[str]:
        """What an ExternalName leads to, when that is in the cluster."""
        for _ in range(MAX_ALIASES):
            alias = self.lookup(name.rstrip(".").lower(), "CNAME")
            if not alias:
                return self.lookup(name.rstrip(".").lower(), kind)
            name = alias[0]
        raise NameNotFound(name)

    def _ports(self, namespace: str, name: str, port_name: str, protocol: str, kind: str) -> list[str]:
        service = self._get(namespace, name)
        full = _full_name(namespace, name)
        ports = [p for p in service["spec"].get("ports") or () if (p.get("name", ""), p.get("protocol", "TCP")) == (port_name, protocol)]
        if not ports:
            raise NameNotFound(f"_{port_name}._{protocol.lower()}.{full}")
        if kind != "SRV":
            return []
        if service["spec"].get("clusterIP") != "None":
            return [f"0 100 {p['port']} {full}." for p in ports]
        numbers = [
            p["port"] for s in self.slices[namespace, name].values() for p in s.get("ports") or () if (p.get("name") or "") == port_name
        ]
        return [f"0 100 {number} {own}.{full}." for number in dict.fromkeys(numbers) for own, _ in self._endpoints(namespace, name)]

    def _reverse(self, ip: str) -> list[str]:
        for (namespace, name), service in self.services.objects.items():
            if service["spec"].get("clusterIP") == ip:
                return [_full_name(namespace, name) + "."]
        for namespace, name in list(self.slices):
            for own, address in self._endpoints(namespace, name):
                if address == ip:
                    return [f"{own}.{_full_name(namespace, name)}."]
        raise NameNotFound(ip)

    def _endpoints(self, namespace: str, name: str) -> list[Endpoint]:
        """Ready endpoints: named by hostname, else by the address with dashes."""
        return [
            (endpoint.get("hostname") or ip.replace(".", "-"), ip)
            for found in self.slices.get((namespace, name), {}).values()
            for endpoint in found.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
            for ip in endpoint["addresses"]
        ]

    def _get(self, namespace: str, name: str) -> dict:
        service = self.services.get(namespace, name)
        if service is None:
            raise NameNotFound(_full_name(namespace, name))
        return service


def _full_name(namespace: str, service: str) -> str:
    return ".".join((service, namespace, "svc", *ZONE))


def _is_dashed(label: str) -> bool:
    parts = label.split("-")
    return len(parts) == 4 and all(p.isdigit() and int(p) < 256 for p in parts)
