"""A process's sockets and its resolver: the sandbox's network as one process uses it. All of it is closed when the process ends."""
import asyncio
import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from ..network.network import ANY, DatagramHandler, DatagramSocket, Handler, Listener, NameNotFound, Network, Stack, Writer

if TYPE_CHECKING:
    from .process import Process


class Sockets:
    """`process.network`. Hosts may be names or addresses."""

    def __init__(self, process: "Process"):
        if process.table.network is None:
            raise OSError(errno.ENETUNREACH, "Network unreachable")
        self.process = process
        self.network: Network = process.table.network.network
        self.stack: Stack = process.table.network.stack
        self._listeners: set[Listener] = set()
        self._writers: set[Writer] = set()
        self._datagrams: list[DatagramSocket] = []

    @property
    def ip(self) -> str:
        return self.stack.ip

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, Writer]:
        """Raises socket.gaierror for a name that is not found, else as Network.connect."""
        addresses = await self.resolve(host)
        reader, writer = await self.network.connect(self.ip, addresses[0], port)
        self._writers = {kept for kept in self._writers if not kept.is_closing()} | {writer}
        return reader, writer

    def listen(self, port: int, handler: Handler, host: str = ANY) -> Listener:
        """`handler(reader, writer)` for each connection; raises OSError(EADDRINUSE). The listener ends with the process, or by close()."""
        listener = self.stack.listen(host, port, handler, self.process)
        self._listeners.add(listener)
        return listener

    def bind(self, port: int, handler: DatagramHandler, host: str = ANY) -> None:
        """`handler(datagram, source)` answers what comes to this UDP port until the process ends. Raises OSError(EADDRINUSE)."""
        self._datagrams.append(self.stack.bind(host, port, handler))

    async def ask(self, host: str, port: int, data: bytes) -> bytes | None:
        """The answer to a UDP datagram, None when there is none. Raises socket.gaierror, ConnectionRefusedError."""
        return await self.network.ask(self.ip, (await self.resolve(host))[0], port, data)

    def close(self) -> None:
        for bound in self._datagrams:
            bound.close()
        for listener in self._listeners:
            listener.close()
            for task in list(listener.tasks):
                if task is not asyncio.current_task():
                    task.cancel()
        for writer in self._writers:
            writer.abort()

    # --- names ---

    async def resolve(self, name: str) -> list[str]:
        """IPv4 addresses of a name: literals, /etc/hosts, then DNS with /etc/resolv.conf's search list and ndots (resolv.conf(5)).
        Raises socket.gaierror with EAI_NONAME or EAI_AGAIN."""
        try:
            return [str(ipaddress.ip_address(name))]
        except ValueError:
            pass
        if addresses := self._from_hosts(name):
            return addresses
        for candidate in self.candidates(name):
            try:
                if addresses := await self.query(candidate):
                    return addresses
            except NameNotFound:
                continue
            except TimeoutError:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution") from None
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def query(self, name: str, kind: str = "A", server: str | None = None) -> list[str]:
        """One absolute name asked of `server` (default: resolv.conf's first). Raises NameNotFound, TimeoutError."""
        servers = [server] if server else self.resolver()[0] or ["127.0.0.1"]
        return await self.network.query(self.ip, servers[0], name, kind)

    def candidates(self, name: str) -> list[str]:
        """The absolute names tried for `name`, in order."""
        _, search, ndots = self.resolver()
        if name.endswith("."):
            return [name[:-1]]
        searched = [f"{name}.{domain}" for domain in search]
        return [name, *searched] if name.count(".") >= ndots else [*searched, name]

    def resolver(self) -> tuple[list[str], list[str], int]:
        """(nameservers, search domains, ndots) from /etc/resolv.conf."""
        servers, search, ndots = [], [], 1
        for words in self._lines("/etc/resolv.conf"):
            if words[0] == "nameserver" and len(words) > 1:
                servers.append(words[1])
            elif words[0] == "search":
                search = words[1:]
            elif words[0] == "options":
                ndots = next((int(option[6:]) for option in words[1:] if option.startswith("ndots:") and option[6:].isdigit()), ndots)
        return servers, search, ndots

    def _from_hosts(self, name: str) -> list[str]:
        found = [words[0] for words in self._lines("/etc/hosts") if name.lower() in [word.lower() for word in words[1:]]]
        return [ip for ip in found if ":" not in ip]

    def _lines(self, path: str) -> list[list[str]]:
        try:
            text = self.process.fs.read(path).decode(errors="replace")
        except OSError:
            return []
        return [words for line in text.splitlines() if (words := line.partition("#")[0].split())]
