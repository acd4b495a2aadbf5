"""Master and replicas: a full copy, then every change (`src/replication.c`). Each connection begins with a full copy."""
import asyncio
import secrets
from typing import TYPE_CHECKING

from . import rdb
from .commands import command
from .resp import OK, Error, Status, encode, read_reply, read_request

if TYPE_CHECKING:
    from .server import Server, Session

RETRY = 1.0


class Replication:
    def __init__(self, server: "Server"):
        self.server = server
        self.id = secrets.token_hex(20)
        self.offset = 0
        self.replicas: list[Session] = []
        self.linked = False
        self._selected = -1
        self._task: asyncio.Task | None = None

    @property
    def role(self) -> str:
        return "slave" if self.server.config["replicaof"] else "master"

    @property
    def master(self) -> tuple[str, int]:
        host, port = self.server.config["replicaof"].split()
        return host, int(port)

    def info(self) -> dict[str, object]:
        facts: dict[str, object] = {"role": self.role}
        if self.role == "slave":
            host, port = self.master
            facts |= {"master_host": host, "master_port": port, "master_link_status": "up" if self.linked else "down",
                      "master_sync_in_progress": 0, "slave_repl_offset": self.offset, "slave_priority": 100, "slave_read_only": 1}
        facts["connected_slaves"] = len(self.replicas)
        for i, replica in enumerate(self.replicas):
            ip = replica.writer.get_extra_info("peername")[0]
            facts[f"slave{i}"] = f"ip={ip},port={replica.port},state=online,offset={self.offset},lag=0"
        return facts | {"master_failover_state": "no-failover", "master_replid": self.id, "master_repl_offset": self.offset,
                        "repl_backlog_active": int(bool(self.replicas))}

    # --- the master's side ---

    def feed(self, number: int, requests: list[list[bytes]]) -> None:
        """What a client changed goes to the append-only file and to the replicas."""
        self.server.persistence.append(number, requests)
        if not self.replicas:
            return
        data = b""
        if number != self._selected:
            data, self._selected = encode([b"SELECT", b"%d" % number]), number
        self._send(data + b"".join(map(encode, requests)))

    def _send(self, data: bytes) -> None:
        self.offset += len(data)
        for replica in self.replicas:
            replica.writer.write(data)

    def adopt(self, session: "Session") -> None:
        log, address = self.server.log, f"{session.writer.get_extra_info('peername')[0]}:{session.port}"
        log(f"Replica {address} asks for synchronization")
        log(f"Full resync requested by replica {address}")
        session.push(Status(f"FULLRESYNC {self.id} {self.offset}"))
        data = self.server.persistence._dump()
        session.writer.write(b"$%d\r\n%s" % (len(data), data))
        self.replicas.append(session)
        self._selected = -1
        log(f"Synchronization with replica {address} succeeded")

    def forget(self, session: "Session") -> None:
        if session in self.replicas:
            self.replicas.remove(session)
            self.server.log(f"Connection with replica {session.address.rpartition(':')[0]}:{session.port} lost.")

    # --- the replica's side ---

    def start(self) -> None:
        self.stop()
        if self.server.config["replicaof"]:
            self._task = self.server.loop.create_task(self._follow())

    def stop(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        self.linked = False

    async def _follow(self) -> None:
        host, port = self.master
        while True:
            self.server.log(f"Connecting to MASTER {host}:{port}")
            try:
                await self._copy(host, port)
            except (OSError, EOFError, ValueError, asyncio.IncompleteReadError) as problem:
                if self.linked:
                    self.server.log("Connection with master lost.")
                else:
                    self.server.log(f"Error condition on socket for SYNC: {getattr(problem, 'strerror', None) or problem}", "#")
            except Error as problem:
                self.server.log(f"Unable to AUTH to MASTER: {problem}" if "AUTH" in str(problem) else f"MASTER: {problem}", "#")
            self.linked = False
            await self.server.clock.sleep(RETRY)

    async def _copy(self, host: str, port: int) -> None:
        from .server import Session
        log, config = self.server.log, self.server.config
        reader, writer = await self.server.process.network.connect(host, port)

        async def ask(*words: bytes):
            writer.write(encode(list(words)))
            reply = await read_reply(reader)
            if isinstance(reply, Error):
                raise reply
            return reply

        try:
            log("MASTER <-> REPLICA sync started")
            log("Non blocking connect for SYNC fired the event.")
            if config["masterauth"]:
                await ask(b"AUTH", config["masterauth"].encode())
            await ask(b"PING")
            log("Master replied to PING, replication can continue...")
            await ask(b"REPLCONF", b"listening-port", config["port"].encode())
            log("Partial resynchronization not possible (no cached master)")
            _, self.id, offset = (await ask(b"PSYNC", b"?", b"-1")).split()
            self.offset = int(offset)
            log(f"Full resync from master: {self.id}:{self.offset}")
            size = int((await reader.readline())[1:])
            log(f"MASTER <-> REPLICA sync: receiving {size} bytes from master to disk")
            data = await reader.readexactly(size)
            log("MASTER <-> REPLICA sync: Flushing old data")
            for database in self.server.databases:
                database.clear()
            log("MASTER <-> REPLICA sync: Loading DB in memory")
            for number, key, value, expires in rdb.Reader(data).entries():
                self.server.databases[number].set(key, value)
                if expires is not None:
                    self.server.databases[number].expires[key] = self.server.from_unix(expires)
            self.server.reckon()
            log("MASTER <-> REPLICA sync: Finished with success")
            self.linked = True
            session = Session(self.server)
            while True:
                words = await read_request(reader)
                await session.execute(session._find(words), words)
                self.offset += len(encode(words))
                self.server.reckon()
        finally:
            writer.close()


@command("replicaof", 3)
@command("slaveof", 3)
def replicaof(session, host, port):
    server = session.server
    if (host.lower(), port.lower()) == (b"no", b"one"):
        if server.config["replicaof"]:
            server.log(f"MASTER MODE enabled (user request from 'id={session.id} addr={session.address}')")
        server.config["replicaof"] = ""
    else:
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise Error("ERR Invalid master port")
        server.config["replicaof"] = f"{host.decode()} {port.decode()}"
        server.log("Before turning into a replica, using my own master parameters to synthesize a cached master.")
        server.log(f"REPLICAOF {host.decode()}:"
                   f"{port.decode()} enabled (user request from 'id={session.id} addr={session.address}')")
    server.replication.start()
    return OK


@command("replconf", -1)
def replconf(session, *words):
    if len(words) == 2 and words[0].lower() == b"listening-port" and words[1].isdigit():
        session.port = int(words[1])
    return OK


@command("psync", 3)
async def psync(session, *words):
    session.server.replication.adopt(session)
    await session.writer.closed.wait()
    raise Error("ERR closed")


@command("role", 1)
def role(session):
    replication = session.server.replication
    if replication.role == "slave":
        host, port = replication.master
        return [b"slave", host, port, b"connected" if replication.linked else b"connect", replication.offset]
    return [b"master", replication.offset, [[replica.writer.get_extra_info("peername")[0], b"%d" % replica.port,
                                             b"%d" % replication.offset] for replica in replication.replicas]]


@command("wait", 3)
def wait(session, count, timeout):
    return len(session.server.replication.replicas)
