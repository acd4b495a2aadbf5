"""hostPort: what comes to a port of the node's address reaches the pod (what the CNI plugin `portmap` does)."""
from ..network.network import DatagramSocket, Listener, Network, bridge
from .admission import host_ports

ANY = "0.0.0.0"


class HostPorts:
    def __init__(self, network: Network, node_ip: str):
        self._network, self._node_ip = network, node_ip
        self._open: dict[str, list[Listener | DatagramSocket]] = {}
        self._node = network.attach(node_ip)

    def open(self, pod: dict, ip: str) -> None:
        """`ip` is the pod's address; a pod on the host's network listens there itself."""
        if pod["spec"].get("hostNetwork"):
            return
        declared = (port for container in pod["spec"]["containers"] for port in container.get("ports", ()))
        targets = {_key(port): port["containerPort"] for port in declared if port.get("hostPort")}
        self._open[pod["metadata"]["uid"]] = [
            self._listen(address, protocol, port, ip, targets[address, protocol, port])
            for address, protocol, port in sorted(set(host_ports(pod))) if protocol != "SCTP" and (address, protocol, port) in targets
        ]

    def close(self, uid: str) -> None:
        for listener in self._open.pop(uid, ()):
            listener.close()

    def _listen(self, address: str, protocol: str, port: int, ip: str, target: int) -> Listener | DatagramSocket:
        async def forward(reader, writer) -> None:
            try:
                onward = await self._network.connect(writer.remote[0], ip, target)
            except OSError:
                writer.abort()
                return
            await bridge(reader, writer, *onward)

        def pass_on(data: bytes, source: tuple[str, int]) -> bytes | None:
            socket = self._network.stacks[ip].datagrams.get((ANY, target)) if ip in self._network.stacks else None
            return socket.handler(data, source) if socket and self._network.permits(source[0], ip, target, "UDP") else None

        if protocol == "UDP":
            return self._node.bind(address, port, pass_on)
        return self._network.listen(self._node_ip, port, forward, address)


def _key(port: dict) -> tuple[str, str, int]:
    return port.get("hostIP") or ANY, port.get("protocol", "TCP"), port["hostPort"]
