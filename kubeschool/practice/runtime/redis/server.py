"""redis-server: connections, transactions, publish/subscribe, the commands about the server itself (`src/server.c`, `src/networking.c`)."""
import asyncio
import errno
import inspect
import secrets
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..process import SIGINT, SIGTERM
from . import configuration
from .commands import COMMANDS, NOT_INTEGER, SYNTAX, Command, command, integer, matching, no_subcommand, pattern
from .configuration import ConfigurationError
from .database import Database
from .persistence import Persistence
from .replication import Replication
from .resp import NULL_ARRAY, OK, Error, Status, encode, read_request

if TYPE_CHECKING:
    from ..process import Process

BASE_MEMORY = 876_000
"""used_memory of an empty server."""
RESIDENT = 9 << 20
"""What its process takes beside the data."""
CPU_PER_COMMAND = 0.00002
UNTIL_AUTHENTICATED = {"auth", "hello", "quit", "reset"}
WHILE_SUBSCRIBED = {"subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ping", "quit", "reset"}
NOT_QUEUED = {"exec", "discard", "multi", "watch", "quit", "reset"}


class Shutdown(Exception):
    """SHUTDOWN: the server ends."""


class Server:
    """One server in process `process`, told by `config` ({directive: value}). `version` as in `redis-server --version`."""

    def __init__(self, process: "Process", version: str, config: dict[str, str], file: str = ""):
        self.process, self.version, self.config, self.file = process, version, config, file
        self.clock, self.loop = process.clock, asyncio.get_running_loop()
        self.databases = [Database(self.now) for _ in range(int(config["databases"]))]
        self.sessions: dict[int, Session] = {}
        self.last_id = 2
        self.started = time.time()
        self.run_id = secrets.token_hex(20)
        self.stats: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.persistence, self.replication = Persistence(self), Replication(self)
        self.ended = asyncio.Event()
        self._blocked: dict[tuple[int, bytes], list[asyncio.Future]] = defaultdict(list)

    # --- time: expiries follow cluster time ---

    def now(self) -> float:
        return self.loop.time() * self.clock.speed

    def to_unix(self, at: float) -> float:
        return time.time() + at - self.now()

    def from_unix(self, at: float) -> float:
        return self.now() + at - time.time()

    # --- log ---

    @property
    def loud(self) -> str:
        """The mark of lines that Redis before 7.2 wrote as warnings."""
        return "#" if number(self.version) < (7, 2) else "*"

    def log(self, words: str, mark: str = "*", role: str = "") -> None:
        role = role or ("S" if self.config["replicaof"] else "M")
        moment = datetime.now(UTC)
        line = f"{self.process.pid}:{role} {moment:%d %b %Y %H:%M:%S}.{moment.microsecond // 1000:03} {mark} {words}\n"
        try:
            self.process.stdout.write(line.encode())
        except OSError:
            pass

    # --- memory ---

    @property
    def memory(self) -> int:
        return BASE_MEMORY + sum(database.size for database in self.databases)

    def make_room(self) -> bool:
        """Evicts keys as maxmemory-policy says until the data fits; False when it can't."""
        limit, policy = int(self.config["maxmemory"]), self.config["maxmemory-policy"]
        while limit and self.memory > limit:
            if policy == "noeviction" or not any(database.evict(policy.startswith("volatile")) for database in self.databases):
                return False
            self.stats["evicted_keys"] += 1
        return True

    # --- clients that wait for a list ---

    async def wait(self, database: Database, keys: list[bytes]) -> None:
        waiter = self.loop.create_future()
        places = [self._blocked[id(database), key] for key in keys]
        for place in places:
            place.append(waiter)
        try:
            await waiter
        finally:
            for place in places:
                if waiter in place:
                    place.remove(waiter)

    def wake(self, database: Database, key: bytes) -> None:
        for waiter in self._blocked.pop((id(database), key), ()):
            if not waiter.done():
                waiter.set_result(None)

    # --- life ---

    async def run(self) -> int:
        pid, config = self.process.pid, self.config
        self.log("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo", self.loud, "C")
        self.log(f"Redis version={self.version}, bits=64, commit=00000000, modified=0, pid={pid}, just started", self.loud, "C")
        if self.file or len(self.process.argv) > 1:
            self.log("Configuration loaded", self.loud, "C")
        else:
            self.log("Warning: no config file specified, using the default config. In order to specify a config file use redis-server "
                     "/path/to/redis.conf", "#", "C")
        self.log("monotonic clock: POSIX clock_gettime")
        port = int(config["port"])
        try:
            self.process.network.listen(port, self.serve, self._bind())
        except OSError as problem:
            self._cannot_listen(problem, port)
            return 1
        self.process.argv = [f"redis-server {config['bind'].split()[0]}:{port}"]
        self.log(f"Running mode=standalone, port={port}.")
        self.log("Server initialized", self.loud)
        try:
            self.persistence.load()
        except (ValueError, OSError) as problem:
            self.log(f"Fatal error loading the DB, check server logs. Exiting. ({problem})", "#")
            return 1
        self.log("Ready to accept connections" + ("" if self.loud == "#" else " tcp"))
        self.reckon()
        self.process.on_signal(SIGTERM, lambda n: self._signalled("SIGTERM"))
        self.process.on_signal(SIGINT, lambda n: self._signalled("SIGINT"))
        self.replication.start()
        await self.ended.wait()
        return 0

    def _bind(self) -> str:
        addresses = [word.lstrip("-") for word in self.config["bind"].split()]
        if {"*", "0.0.0.0"} & set(addresses):
            return "0.0.0.0"
        return next((a for a in addresses if a == self.process.network.ip), addresses[0].replace("localhost", "127.0.0.1"))

    def _cannot_listen(self, problem: OSError, port: int) -> None:
        words = "Address already in use" if problem.errno == errno.EADDRINUSE else problem.strerror
        self.log(f"Warning: Could not create server TCP listening socket {self.config['bind'].split()[0]}:{port}: bind: {words}", "#")
        self.log(f"Failed listening on port {port} (" + ("TCP" if self.loud == "#" else "tcp") + "), aborting.", "#")

    def _signalled(self, name: str) -> None:
        if not self.ended.is_set():
            self.process.stdout.write(f"{self.process.pid}:signal-handler ({int(time.time())}) Received {name} scheduling shutdown...\n"
                                      .encode())
            self.shut_down()

    def shut_down(self, save: bool | None = None) -> None:
        """`save` None: when save points are set."""
        self.log("User requested shutdown...", self.loud)
        self.persistence.shut_down(bool(self.config["save"]) if save is None else save)
        self.log("Redis is now ready to exit, bye bye...", self.loud)
        self.replication.stop()
        self.ended.set()

    def reckon(self) -> None:
        """The process takes as much memory as its data."""
        self.process.memory = RESIDENT + self.memory - BASE_MEMORY

    async def serve(self, reader, writer) -> None:
        self.last_id += 1
        self.stats["connections"] += 1
        session = self.sessions[self.last_id] = Session(self, writer, self.last_id)
        try:
            await session.run(reader)
        finally:
            self.sessions.pop(session.id, None)
            self.replication.forget(session)

    def publish(self, channel: bytes, message: bytes) -> int:
        count = 0
        for session in self.sessions.values():
            if channel in session.channels:
                session.push([b"message", channel, message])
                count += 1
            for glob in session.patterns:
                if pattern(glob).match(channel.decode("latin-1")):
                    session.push([b"pmessage", glob, channel, message])
                    count += 1
        return count


class Session:
    """One client: its database, transaction and subscriptions. `writer` None: commands that come from a file or from the master."""

    def __init__(self, server: Server, writer=None, id: int = 0):
        self.server, self.writer, self.id = server, writer, id
        self.number = 0
        self.name = b""
        self.authenticated = writer is None
        self.queue: list[tuple[Command, list[bytes]]] | None = None
        self.broken = False
        self.watched: list[tuple[Database, bytes, int]] = []
        self.channels: list[bytes] = []
        self.patterns: list[bytes] = []
        self.monitoring = False
        self.in_transaction = False
        self.propagated: list[list[bytes]] | None = None
        self.dirty = 0
        self.current = ""
        self.since = time.time()
        self.port = 0

    @property
    def db(self) -> Database:
        return self.server.databases[self.number]

    @property
    def address(self) -> str:
        return "{}:{}".format(*self.writer.get_extra_info("peername")) if self.writer else ""

    # --- what commands do to the data ---

    def changed(self, key: bytes, propagated: list[bytes] | None = None) -> None:
        self.dirty += 1
        if propagated:
            self.propagated = [propagated]

    def store(self, key: bytes, value, expires: float | None = None) -> None:
        """A new value with its own expiry."""
        self.db.set(key, value)
        self.changed(key)
        if expires is not None:
            self.db.expires[key] = expires
            if self.current in ("set", "setex", "psetex", "getex"):
                self.propagated = [[b"SET", key, value, b"PXAT", b"%d" % (self.server.to_unix(expires) * 1000)]]

    def replace(self, key: bytes, value) -> None:
        """A changed value; its expiry stays."""
        self.db.touch(key, value)
        self.changed(key)

    def remove(self, key: bytes) -> bool:
        self.db.get(key)
        gone = self.db.delete(key)
        if gone:
            self.changed(key)
        return gone

    # --- the conversation ---

    def push(self, reply) -> None:
        self.writer.write(encode(reply))

    async def run(self, reader) -> None:
        while True:
            try:
                words = await read_request(reader)
            except (EOFError, asyncio.IncompleteReadError):
                return
            except (Error, ValueError) as problem:
                self.push(problem if isinstance(problem, Error) else Error("ERR Protocol error: too big inline request"))
                return
            if not words:
                continue
            try:
                for reply in await self.answer(words):
                    self.push(reply)
            except Shutdown:
                return
            await self.writer.drain()
            if self.current == "quit":
                return

    async def answer(self, words: list[bytes]) -> list:
        """The replies to one request (SUBSCRIBE has one for each channel)."""
        server = self.server
        try:
            found = self._find(words)
            self._allow(found, words)
        except Error as problem:
            self.broken = self.queue is not None
            return [self._failed(problem)]
        if self.queue is not None and found.name not in NOT_QUEUED:
            self.queue.append((found, words))
            return [Status("QUEUED")]
        reply = await self.execute(found, words)
        server.make_room()
        server.reckon()
        return reply.replies if isinstance(reply, Replies) else [reply]

    def _find(self, words: list[bytes]) -> Command:
        name = words[0].decode("latin-1")
        found = COMMANDS.get(name.lower())
        if not found:
            arguments = "".join(f"'{word.decode('utf-8', 'replace')[:128]}' " for word in words[1:20])
            raise Error(f"ERR unknown command '{name[:128]}', with args beginning with: {arguments}")
        if not found.accepts(len(words)):
            raise Error(f"ERR wrong number of arguments for '{found.name}' command")
        return found

    def _allow(self, found: Command, words: list[bytes]) -> None:
        config = self.server.config
        if config["requirepass"] and not self.authenticated and found.name not in UNTIL_AUTHENTICATED:
            raise Error("NOAUTH Authentication required.")
        if (self.channels or self.patterns) and found.name not in WHILE_SUBSCRIBED:
            raise Error(f"ERR Can't execute '{found.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                        "this context")
        if found.write and self.writer and config["replicaof"] and config["replica-read-only"] == "yes":
            raise Error("READONLY You can't write against a read only replica.")
        if found.grows and self.writer and not self.server.make_room():
            raise Error("OOM command not allowed when used memory > 'maxmemory'.")

    def _failed(self, problem: Error) -> Error:
        self.server.errors[str(problem).split()[0]] += 1
        return problem

    async def execute(self, found: Command, words: list[bytes]):
        """Runs one command and passes on what it changed. An Error is returned."""
        server = self.server
        self.current, self.dirty, self.propagated = found.name, 0, None
        server.calls[found.name] += 1
        server.process.use_cpu(CPU_PER_COMMAND)
        if self.writer:
            for other in [session for session in server.sessions.values() if session.monitoring]:
                moment = f"{time.time():.6f} [{self.number} {self.address}] "
                other.writer.write(encode(Status(moment + " ".join('"' + word.decode("utf-8", "replace") + '"' for word in words))))
        try:
            reply = found.run(self, *words[1:])
            if inspect.isawaitable(reply):
                reply = await reply
        except Error as problem:
            return self._failed(problem)
        if self.dirty:
            self.server.persistence.changed(self.dirty)
            self.server.replication.feed(self.number, self.propagated or [words])
        return reply


class Replies:
    """Several replies to one request."""

    def __init__(self, *replies):
        self.replies = replies


# --- connection ---

@command("ping", -1)
def ping(session, *words):
    if len(words) > 1:
        raise Error("ERR wrong number of arguments for 'ping' command")
    if session.channels or session.patterns:
        return [b"pong", *(words or (b"",))]
    return words[0] if words else Status("PONG")


command("echo", 2)(lambda session, word: word)
command("quit", -1)(lambda session, *words: OK)


@command("auth", -2)
def auth(session, *words):
    password = session.server.config["requirepass"]
    if len(words) > 2:
        raise Error(SYNTAX)
    if len(words) == 1 and not password:
        raise Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is "
                    "correct?")
    if words[-1] != password.encode() or (len(words) == 2 and words[0] != b"default"):
        raise Error("WRONGPASS invalid username-password pair or user is disabled.")
    session.authenticated = True
    return OK


@command("hello", -1)
def hello(session, *words):
    if words and not words[0].isdigit():
        raise Error("ERR Protocol version is not an integer or out of range")
    if words and words[0] != b"2":
        raise Error("NOPROTO unsupported protocol version")
    rest = list(words[1:])
    while rest:
        match rest.pop(0).upper():
            case b"AUTH" if len(rest) >= 2:
                auth(session, rest.pop(0), rest.pop(0))
            case b"SETNAME" if rest:
                session.name = rest.pop(0)
            case _:
                raise Error(SYNTAX)
    if session.server.config["requirepass"] and not session.authenticated:
        raise Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
                    "option can be used to authenticate the client and select the RESP protocol version at the same time")
    return [b"server", b"redis", b"version", session.server.version, b"proto", 2, b"id", session.id, b"mode", b"standalone", b"role",
            session.server.replication.role, b"modules", []]


@command("select", 2)
def select(session, index):
    at = integer(index, NOT_INTEGER)
    if not 0 <= at < len(session.server.databases):
        raise Error("ERR DB index is out of range")
    session.number = at
    return OK


@command("reset", 1)
def reset(session):
    session.queue, session.watched, session.channels, session.patterns = None, [], [], []
    session.number, session.monitoring, session.authenticated = 0, False, False
    return Status("RESET")


@command("client", -2)
def client(session, word, *words):
    match word.lower(), words:
        case b"id", ():
            return session.id
        case b"getname", ():
            return session.name or None
        case b"setname", (name,):
            session.name = name
            return OK
        case b"setinfo", (_, _):
            return OK
        case b"info", ():
            return _described(session)
        case b"list", _:
            return "".join(_described(each) for each in session.server.sessions.values())
        case b"kill", _:
            found = [s for s in session.server.sessions.values() if words[-1] in (s.address.encode(), b"%d" % s.id)]
            for each in found:
                each.writer.abort()
            if len(words) == 1 and not found:
                raise Error("ERR No such client")
            return len(found) if len(words) > 1 else OK
        case (b"no-evict" | b"no-touch" | b"reply" | b"pause" | b"unpause" | b"tracking" | b"caching"), _:
            return OK
    raise no_subcommand("client", word, "id getname setname setinfo info kill")


def _described(session: Session) -> str:
    age = int(time.time() - session.since)
    flags = "S" if session in session.server.replication.replicas else "P" if session.channels or session.patterns else "N"
    local = "{}:{}".format(*session.writer.get_extra_info("sockname"))
    return (f"id={session.id} addr={session.address} laddr={local} fd={7 + session.id} name={session.name.decode('latin-1')} age={age} "
            f"idle=0 flags={flags} db={session.number} sub={len(session.channels)} psub={len(session.patterns)} ssub=0 "
            f"multi={-1 if session.queue is None else len(session.queue)} cmd={session.current} user=default redir=-1 resp=2\n")


# --- transactions ---

@command("multi", 1)
def multi(session):
    if session.queue is not None:
        raise Error("ERR MULTI calls can not be nested")
    session.queue, session.broken = [], False
    return OK


@command("discard", 1)
def discard(session):
    if session.queue is None:
        raise Error("ERR DISCARD without MULTI")
    session.queue, session.watched = None, []
    return OK


@command("exec", 1)
async def exec_(session):
    if session.queue is None:
        raise Error("ERR EXEC without MULTI")
    queue, session.queue = session.queue, None
    watched, session.watched = session.watched, []
    if session.broken:
        raise Error("EXECABORT Transaction discarded because of previous errors.")
    if any(database.versions.get(key, 0) != version for database, key, version in watched):
        return NULL_ARRAY
    session.in_transaction = True
    try:
        replies = [await session.execute(found, words) for found, words in queue]
    finally:
        session.in_transaction = False
    session.dirty, session.current = 0, "exec"
    return replies


@command("watch", -2)
def watch(session, *keys):
    if session.queue is not None:
        raise Error("ERR WATCH inside MULTI is not allowed")
    for key in keys:
        session.db.get(key)
        session.watched.append((session.db, key, session.db.versions.get(key, 0)))
    return OK


@command("unwatch", 1)
def unwatch(session):
    session.watched = []
    return OK


# --- publish and subscribe ---

def _subscription(name: str, attribute: str, add: bool) -> None:
    @command(name, -2 if add else -1)
    def change(session, *channels):
        own: list[bytes] = getattr(session, attribute)
        replies = []
        for channel in channels or tuple(own) or (None,):
            if add and channel not in own:
                own.append(channel)
            elif not add and channel in own:
                own.remove(channel)
            replies.append([name.encode(), channel, len(session.channels) + len(session.patterns)])
        return Replies(*replies)


for _name, _attribute, _add in (("subscribe", "channels", True), ("unsubscribe", "channels", False), ("psubscribe", "patterns", True),
                                ("punsubscribe", "patterns", False)):
    _subscription(_name, _attribute, _add)

command("publish", 3)(lambda session, channel, message: session.server.publish(channel, message))


@command("pubsub", -2)
def pubsub(session, word, *words):
    sessions = session.server.sessions.values()
    match word.lower():
        case b"channels":
            return matching({channel for each in sessions for channel in each.channels}, words[0] if words else b"*")
        case b"numsub":
            return [part for channel in words for part in (channel, sum(channel in each.channels for each in sessions))]
        case b"numpat":
            return sum(len(each.patterns) for each in sessions)
    raise no_subcommand("pubsub", word, "channels numsub numpat")


# --- the server ---

@command("flushdb", -1, write=True)
def flushdb(session, *words):
    return _flush(session, [session.db], words)


@command("flushall", -1, write=True)
def flushall(session, *words):
    return _flush(session, session.server.databases, words)


def _flush(session, databases, words):
    if words and words[0].upper() not in (b"ASYNC", b"SYNC"):
        raise Error(SYNTAX)
    for database in databases:
        database.clear()
    session.changed(b"")
    return OK


@command("config", -2)
def config(session, word, *words):
    server = session.server
    match word.lower():
        case b"get" if words:
            found = dict.fromkeys(name for glob in words for name in matching([n.encode() for n in server.config], glob.lower()))
            return [part for name in found for part in (name, server.config[name.decode()])]
        case b"set" if words and len(words) % 2 == 0:
            for name, value in zip(words[::2], words[1::2], strict=True):
                _set(server, name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            return OK
        case b"resetstat":
            server.stats.clear()
            server.calls.clear()
            server.errors.clear()
            return OK
        case b"rewrite":
            if not server.file:
                raise Error("ERR The server is running without a config file")
            lines = [f"{name} {value or chr(34) * 2}" for name, value in server.config.items() if value != configuration.DEFAULTS[name]]
            server.process.fs.write(server.file, "\n".join([*lines, ""]).encode())
            return OK
    raise no_subcommand("config", word, "get set")


def _set(server: Server, given: str, value: str) -> None:
    name = configuration.ALIASES.get(given.lower(), given.lower())
    if name not in configuration.DEFAULTS or name == "replicaof":
        raise Error(f"ERR Unknown option or number of arguments for CONFIG SET - '{given}'")
    if name in configuration.IMMUTABLE:
        raise Error(f"ERR CONFIG SET failed (possibly related to argument '{given}') - can't set immutable config")
    try:
        server.config[name] = configuration.checked(name, value)
    except ConfigurationError as problem:
        raise Error(f"ERR CONFIG SET failed (possibly related to argument '{given}') - {problem}") from None
    if name == "appendonly":
        server.persistence.switch(server.config[name] == "yes")
    server.make_room()


@command("info", -1)
def info(session, *words):
    wanted = {word.decode("latin-1").lower() for word in words}
    if wanted & {"default", "all", "everything"}:
        wanted = set()
    return "\r\n".join(f"# {name}\r\n" + "".join(f"{key}:{value}\r\n" for key, value in facts.items())
                       for name, facts in _info(session.server).items() if not wanted or name.lower() in wanted)


def _info(server: Server) -> dict[str, dict[str, object]]:
    up, memory, limit = int(time.time() - server.started), server.memory, int(server.config["maxmemory"])
    persistence, stats = server.persistence, server.stats
    resident = server.process.memory
    keyspace = {f"db{n}": f"keys={len(keys)},expires={len(db.expires)},avg_ttl=0" for n, db in enumerate(server.databases)
                if (keys := db.keys())}
    return {
        "Server": {
            "redis_version": server.version, "redis_git_sha1": "00000000", "redis_git_dirty": 0, "redis_mode": "standalone",
            "os": f"Linux {server.process.container.runtime.machine.kernel} x86_64", "arch_bits": 64,
            "monotonic_clock": "POSIX clock_gettime", "multiplexing_api": "epoll", "process_id": server.process.pid,
            "process_supervised": "no", "run_id": server.run_id, "tcp_port": server.config["port"],
            "server_time_usec": int(time.time() * 1e6), "uptime_in_seconds": up, "uptime_in_days": up // 86400, "hz": 10,
            "configured_hz": server.config["hz"], "executable": "/usr/local/bin/redis-server", "config_file": server.file,
            "io_threads_active": 0,
        },
        "Clients": {
            "connected_clients": len(server.sessions) - len(server.replication.replicas), "cluster_connections": 0,
            "maxclients": server.config["maxclients"], "blocked_clients": sum(map(len, server._blocked.values())),
        },
        "Memory": {
            "used_memory": memory, "used_memory_human": human(memory), "used_memory_rss": resident,
            "used_memory_rss_human": human(resident), "used_memory_dataset": memory - BASE_MEMORY, "maxmemory": limit,
            "maxmemory_human": human(limit), "maxmemory_policy": server.config["maxmemory-policy"],
            "mem_fragmentation_ratio": f"{resident / memory:.2f}", "mem_allocator": "jemalloc-5.3.0",
        },
        "Persistence": {
            "loading": 0, "rdb_changes_since_last_save": persistence.dirty, "rdb_bgsave_in_progress": 0,
            "rdb_last_save_time": int(persistence.saved_at), "rdb_last_bgsave_status": "ok", "rdb_saves": persistence.saves,
            "aof_enabled": int(server.config["appendonly"] == "yes"), "aof_rewrite_in_progress": 0, "aof_last_write_status": "ok",
        },
        "Stats": {
            "total_connections_received": stats["connections"], "total_commands_processed": sum(server.calls.values()),
            "rejected_connections": 0, "expired_keys": sum(db.expired for db in server.databases), "evicted_keys": stats["evicted_keys"],
            "pubsub_channels": len({channel for each in server.sessions.values() for channel in each.channels}),
            "total_error_replies": sum(server.errors.values()),
        },
        "Replication": server.replication.info(),
        "CPU": {"used_cpu_sys": f"{server.process.cpu_seconds / 2:.6f}", "used_cpu_user": f"{server.process.cpu_seconds / 2:.6f}"},
        "Modules": {},
        "Errorstats": {f"errorstat_{code}": f"count={count}" for code, count in sorted(server.errors.items())},
        "Cluster": {"cluster_enabled": 0},
        "Keyspace": keyspace,
    }


def human(size: int) -> str:
    for unit, scale in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.2f}{unit}"
    return f"{size}B"


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@command("time", 1)
def time_(session):
    seconds, micro = divmod(time.time_ns() // 1000, 10**6)
    return [b"%d" % seconds, b"%d" % micro]


@command("shutdown", -1)
def shutdown(session, *words):
    chosen = {word.upper() for word in words}
    if chosen - {b"SAVE", b"NOSAVE", b"NOW", b"FORCE"} or {b"SAVE", b"NOSAVE"} <= chosen:
        raise Error(SYNTAX)
    session.server.shut_down(None if not chosen & {b"SAVE", b"NOSAVE"} else b"SAVE" in chosen)
    raise Shutdown


@command("save", 1)
def save(session):
    session.server.persistence.save()
    return OK


@command("bgsave", -1)
def bgsave(session, *words):
    session.server.persistence.save_in_background()
    return Status("Background saving started")


@command("bgrewriteaof", 1)
def bgrewriteaof(session):
    session.server.persistence.rewrite()
    return Status("Background append only file rewriting started")


command("lastsave", 1)(lambda session: int(session.server.persistence.saved_at))


@command("command", -1)
def command_(session, *words):
    match [word.lower() for word in words]:
        case [b"count"]:
            return len(COMMANDS)
        case [b"docs", *_]:
            return []
        case [] | [b"info", *_]:
            found = [COMMANDS.get(name.decode("latin-1").lower()) for name in words[1:]] if words else list(COMMANDS.values())
            return [each and [each.name.encode(), each.arity, [Status("write" if each.write else "readonly")], 1, 1, 1] for each in found]
    raise no_subcommand("command", words[0], "count")


@command("memory", -2)
def memory(session, word, *words):
    if word.lower() != b"usage" or not words:
        raise no_subcommand("memory", word, "usage")
    return session.db._sizes.get(words[0])


@command("debug", -2)
def debug(session, *words):
    raise Error('ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local '
                "connection, otherwise you need to set this option in the configuration file, and then restart the server.")


@command("acl", -2)
def acl(session, word, *words):
    password = session.server.config["requirepass"]
    match word.lower():
        case b"whoami":
            return b"default"
        case b"users":
            return [b"default"]
        case b"list":
            return ["user default on " + ("sanitize-payload #…" if password else "nopass") + " ~* &* +@all"]
    raise no_subcommand("acl", word, "whoami list")


@command("monitor", 1)
def monitor(session):
    session.monitoring = True
    return OK


@command("slowlog", -2)
def slowlog(session, word, *words):
    return {b"len": 0, b"get": [], b"reset": OK}.get(word.lower()) or 0


@command("cluster", -2)
def cluster(session, *words):
    raise Error("ERR This instance has cluster support disabled")


@command("swapdb", 3, write=True)
def swapdb(session, one, other):
    first, second = (integer(index, "ERR invalid first DB index") for index in (one, other))
    databases = session.server.databases
    if not (0 <= first < len(databases) and 0 <= second < len(databases)):
        raise Error("ERR DB index is out of range")
    databases[first], databases[second] = databases[second], databases[first]
    session.changed(b"")
    return OK


@command("move", 3, write=True)
def move(session, key, index):
    target = session.server.databases[integer(index)] if 0 <= integer(index) < len(session.server.databases) else None
    if target is None:
        raise Error("ERR DB index is out of range")
    value = session.db.get(key)
    if value is None or target.get(key) is not None:
        return 0
    expires = session.db.expires.get(key)
    session.remove(key)
    target.set(key, value)
    if expires is not None:
        target.expires[key] = expires
    return 1
