"""kindnet's NetworkPolicies (`sigs.k8s.io/kube-network-policies`): which new connections between pods go through.

A refused packet is dropped, so a connection times out. As the API's documentation says: policies are additive, a pod always reaches
itself, and a pod's own node (its kubelet) always reaches the pod. What was programmed stays in force when kindnet stops.
"""
import asyncio
import ipaddress

from ..apiserver.selectors import from_label_selector, matches
from ..client import Client
from ..clock import Clock
from ..component import Component
from ..component_helpers import is_pod_terminal
from ..informer import Informer, key_of
from .network import Network, is_loopback


class NetworkPolicies(Component):
    name = "kindnet"

    def __init__(self, client: Client, clock: Clock, network: Network):
        super().__init__(client, clock)
        self.network = network

    async def run(self) -> None:
        rules = Rules(self.informers["networkpolicies.networking.k8s.io"], self.informers["namespaces"])
        self.informers["pods"].on_change(rules.on_pod)
        self.informers["nodes"].on_change(rules.on_node)
        self.informers["nodes"].on_change(self._say_node)
        rules.policies.on_change(self._say_policy)
        await self.informers.synced()
        self.network.permits = rules.permits
        await asyncio.Event().wait()

    def _say_node(self, old: dict | None, new: dict | None) -> None:
        if new and (cidr := new["spec"].get("podCIDR")) and not (old and old["spec"].get("podCIDR")):
            self.log.debug("Node %s has CIDR [%s]", new["metadata"]["name"], cidr)

    def _say_policy(self, old: dict | None, new: dict | None) -> None:
        self.log.debug('"%s network policy" policy="%s/%s"', "Programmed" if new else "Removed", *key_of(new or old))


class Rules:
    """The decision, from what the informers last saw."""

    def __init__(self, policies: Informer, namespaces: Informer):
        self.policies, self.namespaces = policies, namespaces
        self.pods: dict[str, dict] = {}
        """By IP, without those on their node's own address."""
        self.nodes: dict[str, set[str]] = {}
        """{name: addresses}."""

    def on_pod(self, old: dict | None, new: dict | None) -> None:
        for pod in (old, new):
            ip = ((pod or {}).get("status") or {}).get("podIP")
            if not ip or pod["spec"].get("hostNetwork"):
                continue
            if pod is new and not is_pod_terminal(pod):
                self.pods[ip] = pod
            elif (known := self.pods.get(ip)) and key_of(known) == key_of(pod):
                del self.pods[ip]

    def on_node(self, old: dict | None, new: dict | None) -> None:
        self.nodes[(new or old)["metadata"]["name"]] = {a["address"] for a in ((new or {}).get("status") or {}).get("addresses") or ()}

    def permits(self, source: str, target: str, port: int, protocol: str) -> bool:
        """Whether a packet from IP `source` to `port` of IP `target` goes through (behind a Service: its endpoint). `protocol` TCP, UDP,
        or ICMP, which has no ports."""
        sender, receiver = self.pods.get(source), self.pods.get(target)
        if source == target or is_loopback(target):
            return True
        if receiver and source in self.nodes.get(receiver["spec"].get("nodeName", ""), ()):
            return True
        if sender and target in self.nodes.get(sender["spec"].get("nodeName", ""), ()):
            return True
        return self._allowed(sender, "Egress", target, receiver, receiver, port, protocol) and self._allowed(
            receiver, "Ingress", source, sender, receiver, port, protocol)

    def _allowed(self, pod: dict | None, direction: str, peer_ip: str, peer: dict | None, receiver: dict | None, port: int,
                 protocol: str) -> bool:
        """Whether the policies that select `pod` for this direction, if any, let `peer` in or be reached."""
        if pod is None:
            return True
        selecting = [
            policy for policy in self.policies.list(pod["metadata"]["namespace"])
            if direction in policy["spec"].get("policyTypes", ())
            and matches(from_label_selector(policy["spec"].get("podSelector") or {}), pod["metadata"].get("labels"))
        ]
        if not selecting:
            return True
        rules, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
        return any(
            _port_matches(rule.get("ports"), receiver, port, protocol) and self._peer_matches(rule.get(peers), policy, peer_ip, peer)
            for policy in selecting for rule in policy["spec"].get(rules) or ()
        )

    def _peer_matches(self, peers: list[dict] | None, policy: dict, ip: str, pod: dict | None) -> bool:
        """No peers: everybody."""
        return not peers or any(self._matches(peer, policy, ip, pod) for peer in peers)

    def _matches(self, peer: dict, policy: dict, ip: str, pod: dict | None) -> bool:
        if block := peer.get("ipBlock"):
            address = ipaddress.ip_address(ip)
            return address in ipaddress.ip_network(block["cidr"], strict=False) and not any(
                address in ipaddress.ip_network(cidr, strict=False) for cidr in block.get("except") or ())
        if pod is None:
            return False
        namespace = pod["metadata"]["namespace"]
        if peer.get("namespaceSelector") is None:
            if namespace != policy["metadata"]["namespace"]:
                return False
        else:
            found = self.namespaces.get("", namespace)
            if not found or not matches(from_label_selector(peer["namespaceSelector"]), found["metadata"].get("labels")):
                return False
        return peer.get("podSelector") is None or matches(from_label_selector(peer["podSelector"]), pod["metadata"].get("labels"))


def _port_matches(ports: list[dict] | None, receiver: dict | None, number: int, protocol: str) -> bool:
    """No ports: all. A name is that of a container port of the receiving pod."""
    if not ports:
        return True
    for port in ports:
        if port.get("protocol", "TCP") != protocol:
            continue
        wanted = port.get("port")
        if wanted is None or wanted == number:
            return True
        if isinstance(wanted, int) and wanted <= number <= port.get("endPort", wanted):
            return True
        if isinstance(wanted, str) and receiver and any(
                declared.get("name") == wanted and declared["containerPort"] == number and declared.get("protocol", "TCP") == protocol
                for container in receiver["spec"]["containers"] for declared in container.get("ports") or ()):
            return True
    return False
