"""The simulated wire: pod addresses, listeners, connections, Service addresses and DNS, all in memory.

Connections are an `asyncio.StreamReader` and a `Writer` with StreamWriter's methods. What connect() raises is what a Linux kernel
would answer: ConnectionRefusedError where nobody listens, OSError(EHOSTUNREACH) for a pod address nobody has, TimeoutError for
anywhere else. The host (kubelet probes, port-forward, NodePorts) connects with a node's address as its source.
"""
import asyncio
import errno
import ipaddress
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ..clock import Clock

Address = tuple[str, int]
Frontend = tuple[str, int, str]
"""A Service's (IP, port, protocol)."""
Permits = Callable[[str, str, int, str], bool]
"""(source IP, target IP, target port, protocol) -> whether packets go through."""
Handler = Callable[[asyncio.StreamReader, "Writer"], Awaitable[None]]
DatagramHandler = Callable[[bytes, Address], bytes | None]
"""(a UDP datagram, who sent it) -> the answer, None for none."""
Lookup = Callable[[str, str], list[str]]
"""A DNS server: (absolute name without the last dot, "A", "PTR", "SRV" …) -> records, [] when the name has none of that type. Raises
NameNotFound."""

ANY, ANY6, LOOPBACK = "0.0.0.0", "::", "127.0.0.1"
BUFFER = 65536
CONNECT_TIMEOUT = 127.0
"""Seconds until connect(2) gives up with net.ipv4.tcp_syn_retries=6 (tcp(7))."""
ARP_TIMEOUT = 3.0
"""Seconds until an address nobody answers for on the local network is unreachable (arp(7): 3 probes a second apart)."""


class NameNotFound(LookupError):
    """NXDOMAIN."""


class Writer:
    """The sending half of a connection; asyncio.StreamWriter's methods."""

    def __init__(self, local: Address, remote: Address):
        self.local, self.remote = local, remote
        self.reader: asyncio.StreamReader
        self.peer: Writer
        self.closed = asyncio.Event()
        self.on_close: Callable[[Writer], None] = lambda writer: None
        self._resumed: asyncio.Event | None = None
        self._sent_eof = False

    def write(self, data: bytes) -> None:
        if not self.closed.is_set() and not self._sent_eof and not self.peer.closed.is_set():
            self.peer.reader.feed_data(bytes(data))

    def writelines(self, chunks) -> None:
        self.write(b"".join(chunks))

    async def drain(self) -> None:
        if self.reader.exception():
            raise self.reader.exception()
        while self._resumed and not self.closed.is_set():
            await self._resumed.wait()
        if self.closed.is_set() or self.peer.closed.is_set():
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._sent_eof:
            self._sent_eof = True
            if not self.peer.closed.is_set():
                self.peer.reader.feed_eof()

    def close(self) -> None:
        if not self.closed.is_set():
            self.write_eof()
            self.closed.set()
            self.reader.feed_eof()
            self.resume_reading()
            self.peer.resume_reading()
            self.on_close(self)

    def abort(self) -> None:
        """Resets the connection (RST): the peer reads ConnectionResetError."""
        if not self.closed.is_set():
            if not self.peer.closed.is_set() and not self._sent_eof:
                self._sent_eof = True
                self.peer.reader.set_exception(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
            self.close()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    async def wait_closed(self) -> None:
        await self.closed.wait()

    def get_extra_info(self, name: str, default=None):
        return {"sockname": self.local, "peername": self.remote}.get(name, default)

    # what asyncio.StreamReader asks of its transport: it pauses whoever feeds it

    def pause_reading(self) -> None:
        if self.peer._resumed is None:
            self.peer._resumed = asyncio.Event()

    def resume_reading(self) -> None:
        if self.peer._resumed:
            resumed, self.peer._resumed = self.peer._resumed, None
            resumed.set()


def connection(client: Address, server: Address) -> tuple[Writer, Writer]:
    """Both ends of a new connection (client's, server's); each Writer's `reader` is its own reading half."""
    ends = Writer(client, server), Writer(server, client)
    for end, peer in (ends, ends[::-1]):
        end.peer = peer
        end.reader = asyncio.StreamReader(limit=BUFFER)
        end.reader.set_transport(end)
    return ends


@dataclass(slots=True, eq=False)
class Listener:
    """A listening socket. `address` is what it is bound to (ANY for all of the stack's)."""

    stack: "Stack"
    address: str
    port: int
    handler: Handler
    owner: object = None
    tasks: set[asyncio.Task] = field(default_factory=set)

    def accept(self, writer: Writer) -> None:
        def ended(task: asyncio.Task) -> None:
            self.tasks.discard(task)
            if task.cancelled():
                writer.abort()
            writer.close()

        task = asyncio.get_running_loop().create_task(self._serve(writer))
        self.tasks.add(task)
        task.add_done_callback(ended)

    async def _serve(self, writer: Writer) -> None:
        try:
            await self.handler(writer.reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.abort()

    def close(self) -> None:
        """Listens no more; connections already accepted go on."""
        self.stack.listeners.pop((self.address, self.port), None)


@dataclass(slots=True, eq=False)
class DatagramSocket:
    """A bound UDP socket."""

    stack: "Stack"
    address: str
    port: int
    handler: DatagramHandler

    def close(self) -> None:
        self.stack.datagrams.pop((self.address, self.port), None)


class Stack:
    """One network namespace: a pod's, or a node's own."""

    def __init__(self, ip: str):
        self.ip = ip
        self.users = 1
        self.listeners: dict[Address, Listener] = {}
        self.datagrams: dict[Address, DatagramSocket] = {}
        self.connections: set[Writer] = set()
        self.ports = itertools.cycle(range(32768, 61000))

    def listen(self, address: str, port: int, handler: Handler, owner: object = None) -> Listener:
        if address not in (ANY, ANY6, self.ip) and not is_loopback(address):
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        port = port or next(p for p in self.ports if not any(taken == p for _, taken in self.listeners))
        clashes = (address, port) in self.listeners or (":" not in address and (
            (ANY, port) in self.listeners if address != ANY else any(p == port and ":" not in a for a, p in self.listeners)))
        if clashes:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        listener = self.listeners[address, port] = Listener(self, address, port, handler, owner)
        return listener

    def bind(self, address: str, port: int, handler: DatagramHandler) -> DatagramSocket:
        """A UDP socket. Raises OSError(EADDRINUSE)."""
        if (address, port) in self.datagrams:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        bound = self.datagrams[address, port] = DatagramSocket(self, address, port, handler)
        return bound

    def listener(self, ip: str, port: int) -> Listener | None:
        return self.listeners.get((ip, port)) or self.listeners.get((ANY6 if ":" in ip else ANY, port))


@dataclass(slots=True)
class Backends:
    """Where a Service address leads. `affinity_seconds` for sessionAffinity ClientIP; `near(source IP)` are the only addresses for that
    client under a traffic policy Local."""

    addresses: list[Address]
    affinity_seconds: float | None = None
    near: Callable[[str], list[Address]] | None = None
    _chosen: dict[str, tuple[Address, float]] = field(default_factory=dict, repr=False)

    def choose(self, source_ip: str, time: float) -> Address | None:
        """A random backend, as kube-proxy's rules do, or the one this client had last; None when there are others, but none near (its
        packets are dropped). `time` in cluster seconds. Raises ConnectionRefusedError when there is none at all."""
        if not self.addresses:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        candidates = self.near(source_ip) if self.near else self.addresses
        if not candidates:
            return None
        if self.affinity_seconds:
            backend, last = self._chosen.get(source_ip, (None, 0.0))
            if backend not in candidates or time - last > self.affinity_seconds:
                backend = random.choice(candidates)
            self._chosen[source_ip] = backend, time
            return backend
        return random.choice(candidates)


class Network:
    """`services` is programmed by kube-proxy, `permits` by kindnet, `nameservers` ({server address: Lookup}) by CoreDNS, `ingress` (what
    its pods answer with) by the ingress controller; `networks` are the ranges in which an address that nobody has is known to be
    unreachable (pods' and nodes')."""

    def __init__(self, clock: Clock, networks: tuple[str, ...] = ("10.244.0.0/16", "172.18.0.0/16")):
        self.clock = clock
        self.networks = [ipaddress.ip_network(network) for network in networks]
        self.stacks: dict[str, Stack] = {}
        self.services: dict[Frontend, Backends] = {}
        self.permits: Permits = lambda source, target, port, protocol: True
        self.nameservers: dict[str, Lookup] = {}
        self.ingress: Callable | None = None

    def attach(self, ip: str) -> Stack:
        """A network namespace with this address; a second attach of an address shares it (hostNetwork)."""
        stack = self.stacks.get(ip)
        if stack:
            stack.users += 1
        else:
            stack = self.stacks[ip] = Stack(ip)
        return stack

    def detach(self, ip: str) -> None:
        stack = self.stacks.get(ip)
        if stack is None:
            return
        stack.users -= 1
        if stack.users == 0:
            del self.stacks[ip]
            for writer in list(stack.connections):
                writer.abort()
            for listener in list(stack.listeners.values()):
                listener.close()
                for task in list(listener.tasks):
                    task.cancel()

    def listen(self, ip: str, port: int, handler: Handler, address: str = ANY, owner: object = None) -> Listener:
        """Listens in the namespace of `ip`, bound to `address`; port 0 takes a free one. `handler(reader, writer)` runs as a task for
        each connection, which is closed when it returns. Raises OSError(EADDRINUSE), OSError(EADDRNOTAVAIL)."""
        return self.stacks[ip].listen(address, port, handler, owner)

    def route(self, source_ip: str, ip: str, port: int, protocol: str) -> Address | None:
        """Where packets to this address and port arrive: a Service's endpoint, or themselves. None where they are dropped by NetworkPolicy
        or a traffic policy. Raises ConnectionRefusedError for a Service without endpoints."""
        target = (source_ip if is_loopback(ip) else ip, port)
        if service := self.services.get((ip, port, protocol)):
            target = service.choose(source_ip, asyncio.get_running_loop().time() * self.clock.speed)
        return target if target and self.permits(source_ip, *target, protocol) else None

    async def connect(self, source_ip: str, ip: str, port: int, masquerade: str = "") -> tuple[asyncio.StreamReader, Writer]:
        """From the namespace of `source_ip` to an IP address and port. `masquerade`: the address that the target sees instead (SNAT)."""
        source = self.stacks.get(source_ip)
        target = self.route(source_ip, ip, port, "TCP")
        if target is None:
            await self.clock.sleep(CONNECT_TIMEOUT)
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
        address = ip if target == (source_ip, port) else target[0]
        stack = self.stacks.get(target[0])
        if stack is None:
            await self._unreachable(target[0])
        listener = stack.listener(address, target[1])
        if listener is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        local = (masquerade or (ip if is_loopback(ip) else source_ip), next(source.ports) if source else random.randrange(32768, 61000))
        client, server = connection(local, (ip, port))
        server.local = target[0] if not is_loopback(ip) else ip, target[1]
        for end, owner in ((client, source), (server, stack)):
            if owner:
                owner.connections.add(end)
                end.on_close = owner.connections.discard
        listener.accept(server)
        return client.reader, client

    async def ask(self, source_ip: str, ip: str, port: int, data: bytes) -> bytes | None:
        """Sends a UDP datagram and returns the answer, None when none comes. Raises ConnectionRefusedError where nobody listens."""
        target = self.route(source_ip, ip, port, "UDP")
        stack = self.stacks.get(target[0]) if target else None
        if stack is None:
            return None
        socket = stack.datagrams.get((ip, target[1])) or stack.datagrams.get((ANY, target[1]))
        if socket is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        source = self.stacks.get(source_ip)
        return socket.handler(data, (ip if is_loopback(ip) else source_ip, next(source.ports) if source else 0))

    async def _unreachable(self, ip: str) -> None:
        known = any(ipaddress.ip_address(ip) in network for network in self.networks)
        await self.clock.sleep(ARP_TIMEOUT if known else CONNECT_TIMEOUT)
        if known:
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    async def query(self, source_ip: str, server: str, name: str, kind: str = "A") -> list[str]:
        """Asks a DNS server for an absolute name. Raises NameNotFound, or TimeoutError after 5 s where no server answers."""
        lookup = self.nameservers.get(server)
        try:
            reached = self.route(source_ip, server, 53, "UDP")
        except ConnectionRefusedError:
            reached = None
        if lookup is None or reached is None:
            await self.clock.sleep(5)
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
        return lookup(name.rstrip(".").lower(), kind)


def is_loopback(ip: str) -> bool:
    return ip.startswith("127.") or ip == "::1"


async def pump(reader, writer) -> None:
    """Copies one direction until the end of the data, then half-closes; `reader`/`writer` from asyncio or from this network."""
    try:
        while data := await reader.read(BUFFER):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (ConnectionError, OSError):
        writer.close()


async def bridge(reader, writer, other_reader, other_writer) -> None:
    """Joins two connections (a real socket and a pod's) until both directions have ended."""
    try:
        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))
    finally:
        writer.close()
        other_writer.close()
