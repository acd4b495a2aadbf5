"""What Redis keeps on disk: dump.rdb and the append-only file with its manifest (`src/rdb.c`, `src/aof.c`)."""
import asyncio
import posixpath
import time
from typing import TYPE_CHECKING

from . import rdb
from .resp import encode, read_request

if TYPE_CHECKING:
    from .server import Server


class Persistence:
    def __init__(self, server: "Server"):
        self.server, self.fs = server, server.process.fs
        self.dirty = self.saves = 0
        self.saved_at = time.time()
        self._since = server.now()
        self._timer: asyncio.TimerHandle | None = None
        self._aof = ""
        self._sequence = 1
        self._selected = -1

    # --- where ---

    def _path(self, name: str) -> str:
        return posixpath.join(self.server.config["dir"] or self.server.process.cwd, name)

    @property
    def _snapshot(self) -> str:
        return self._path(self.server.config["dbfilename"])

    def _aof_path(self, part: str) -> str:
        config = self.server.config
        return posixpath.join(self._path(config["appenddirname"]), f"{config['appendfilename']}.{part}")

    # --- the snapshot ---

    def _dump(self, aof_base: bool = False) -> bytes:
        server = self.server
        facts = {"redis-ver": server.version, "redis-bits": "64", "ctime": str(int(time.time())), "used-mem": str(server.memory),
                 "aof-base": str(int(aof_base))}
        return rdb.dump(server.databases, facts, server.to_unix)

    def save(self) -> bool:
        server = self.server
        try:
            self.fs.write(self._snapshot, self._dump())
        except OSError as problem:
            server.log(f"Failed opening the temp RDB file temp-{server.process.pid}.rdb (in server root dir "
                       f"{server.config['dir'] or server.process.cwd}) for saving: {problem.strerror}", "#")
            return False
        server.log("DB saved on disk")
        self.dirty, self.saved_at, self._since = 0, time.time(), server.now()
        self.saves += 1
        return True

    def save_in_background(self) -> None:
        pids = self.server.process.table.namespace
        pids.last_pid += 1
        self.server.log(f"Background saving started by pid {pids.last_pid}")
        if self.save():
            self.server.log("Background saving terminated with success")

    def changed(self, count: int) -> None:
        """Saves when a save point is reached, now or after its time."""
        self.dirty += count
        points = self.server.config["save"].split()
        due = [(int(seconds) - (self.server.now() - self._since), int(changes), seconds)
               for seconds, changes in zip(points[::2], points[1::2], strict=True) if self.dirty >= int(changes)]
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not due:
            return
        left, changes, seconds = min(due)
        if left > 0:
            self._timer = self.server.loop.call_later(self.server.clock.real(left), self.changed, 0)
            return
        self.server.log(f"{changes} changes in {seconds} seconds. Saving...")
        self.save_in_background()

    def _read(self, path: str) -> None:
        server = self.server
        reader = rdb.Reader(self.fs.read(path))
        loaded = expired = 0
        server_line = True
        for number, key, value, expires in reader.entries():
            if server_line:
                server_line = self._say_origin(reader.facts)
            if expires is not None and expires <= time.time():
                expired += 1
                continue
            server.databases[number].set(key, value)
            if expires is not None:
                server.databases[number].expires[key] = server.from_unix(expires)
            loaded += 1
        if server_line:
            self._say_origin(reader.facts)
        if reader.facts.get("aof-base") == "1":
            server.log("RDB is base AOF")
        server.log(f"Done loading RDB, keys loaded: {loaded}, keys expired: {expired}.")

    def _say_origin(self, facts: dict[str, str]) -> bool:
        log = self.server.log
        log(f"Loading RDB produced by version {facts.get('redis-ver', '?')}")
        log(f"RDB age {max(0, int(time.time()) - int(facts.get('ctime', 0)))} seconds")
        log(f"RDB memory usage when created {int(facts.get('used-mem', 0)) / (1 << 20):.2f} Mb")
        return False

    # --- the append-only file ---

    def load(self) -> None:
        """Raises ValueError for a file that is broken."""
        if self.server.config["appendonly"] != "yes":
            if self.fs.isfile(self._snapshot):
                self._read(self._snapshot)
                self.server.log("DB loaded from disk: 0.000 seconds")
            return
        manifest = self._aof_path("manifest")
        if not self.fs.isfile(manifest):
            self._begin("on server start")
            return
        parts = [line.split() for line in self.fs.read(manifest).decode().splitlines() if line.startswith("file ")]
        for part in parts:
            path = posixpath.join(posixpath.dirname(manifest), part[1])
            if part[5] == "b":
                self.server.log("Reading RDB base file on AOF loading...")
                self._read(path)
                self.server.log(f"DB loaded from base file {part[1]}: 0.000 seconds")
            else:
                self._replay(path)
                self.server.log(f"DB loaded from incr file {part[1]}: 0.000 seconds")
                self._aof, self._sequence = path, int(part[3])
        self.server.log("DB loaded from append only file: 0.000 seconds")
        self.server.log(f"Opening AOF incr file {posixpath.basename(self._aof)} on server start")

    def _replay(self, path: str) -> None:
        from .server import Session
        reader = asyncio.StreamReader(limit=1 << 30)
        reader.feed_data(self.fs.read(path))
        reader.feed_eof()
        session = Session(self.server)

        async def replay() -> None:
            while True:
                try:
                    words = await read_request(reader)
                except (EOFError, asyncio.IncompleteReadError):
                    return
                session.current, session.dirty = "", 0
                found = session._find(words)
                result = found.run(session, *words[1:])
                assert not asyncio.iscoroutine(result)
        _finish(replay())

    def _begin(self, why: str, base: bytes | None = None) -> None:
        """A base file with the data as it is, and an empty file for what comes."""
        self.fs.mkdir(posixpath.dirname(self._aof_path("x")), 0o755, parents=True)
        number = self._sequence
        base_name, self._aof = self._aof_path(f"{number}.base.rdb"), self._aof_path(f"{number}.incr.aof")
        if why == "on server start":
            self.server.log(f"Creating AOF base file {posixpath.basename(base_name)} {why}")
        self.fs.write(base_name, self._dump(True))
        self.server.log(f"Creating AOF incr file {posixpath.basename(self._aof)} {why}")
        self.fs.write(self._aof, b"")
        names = posixpath.basename(base_name), posixpath.basename(self._aof)
        self.fs.write(self._aof_path("manifest"), f"file {names[0]} seq {number} type b\nfile {names[1]} seq {number} type i\n".encode())
        self._selected = -1

    def switch(self, on: bool) -> None:
        """CONFIG SET appendonly."""
        if on and not self._aof:
            self._begin("on server start")
        elif not on:
            self._aof = ""

    def append(self, number: int, requests: list[list[bytes]]) -> None:
        if not self._aof:
            return
        data = b""
        if number != self._selected:
            data, self._selected = encode([b"SELECT", b"%d" % number]), number
        self.fs.append(self._aof, data + b"".join(map(encode, requests)))

    def rewrite(self) -> None:
        if not self._aof:
            return
        before = self._sequence
        self._sequence += 1
        self._begin("on background rewrite")
        for name in (f"{before}.incr.aof", f"{before}.base.rdb"):
            path = self._aof_path(name)
            if self.fs.exists(path):
                self.server.log(f"Removing the history file {posixpath.basename(path)} in the background")
                self.fs.unlink(path)
        self.server.log("Background AOF rewrite finished successfully")

    def shut_down(self, save: bool) -> None:
        if self._timer:
            self._timer.cancel()
        if self._aof:
            self.server.log("Calling fsync() on the AOF file.")
        if save:
            self.server.log("Saving the final RDB snapshot before exiting.")
            self.save()


def _finish(coroutine) -> None:
    """Runs a coroutine whose data is all there already, so that it never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise ValueError("Unexpected end of file reading the append only file")
