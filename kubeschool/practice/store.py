"""etcd's part: every revision of every object, and watches over them.

One SQLite table holds all revisions; the newest revision of each key is also kept in memory as
serialised JSON, so reads never touch the disk and a list joins bytes. A write is committed before it
is visible, so a killed process (`kill -9`) loses nothing it has acknowledged.
"""
from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

Key = tuple[str, str, str]
"""(resource, namespace, name); resource as in RBAC (`pods`, `deployments.apps`), namespace "" when cluster-scoped."""


class Conflict(Exception):
    """The key was not at the expected revision."""


class Compacted(Exception):
    """The revision asked for is older than `oldest`, the first one still kept."""

    def __init__(self, oldest: int):
        super().__init__(oldest)
        self.oldest = oldest


@dataclass(slots=True)
class Stored:
    """One revision of one object. `object` is decoded once and shared: copy before you change it."""

    key: Key
    revision: int
    data: bytes
    _object: dict | None = field(default=None, repr=False)

    @property
    def object(self) -> dict:
        if self._object is None:
            self._object = orjson.loads(self.data)
        return self._object


@dataclass(slots=True, frozen=True)
class Event:
    """One change. `current` is None for a deletion, `previous` for a creation."""

    revision: int
    current: Stored | None
    previous: Stored | None

    def seen_through(self, matches: Callable[[Stored], bool]) -> tuple[str, Stored] | None:
        """(type, object) for a watcher with a selector: entering is ADDED, leaving is DELETED."""
        was = self.previous is not None and matches(self.previous)
        is_now = self.current is not None and matches(self.current)
        if is_now:
            return ("MODIFIED" if was else "ADDED"), self.current
        if not was:
            return None
        gone = self.current or self.previous
        last = {**self.previous.object, "metadata": {**self.previous.object["metadata"], "resourceVersion": str(self.revision)}}
        return "DELETED", Stored(gone.key, self.revision, orjson.dumps(last), last)


class Watch:
    """Changes of one resource in order. `async for event in watch`; `close()` ends the iteration."""

    def __init__(self, store: Store, resource: str, namespace: str | None, only: str | None):
        self._store, self.resource, self.namespace, self.only = store, resource, namespace, only
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def _deliver(self, event: Event) -> None:
        if self.namespace is None or (event.current or event.previous).key[1] == self.namespace:
            self._events.append(event)
            self._wake.set()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        self._store._watches.get((self.resource, self.only), set()).discard(self)


class Store:
    """All objects of a cluster. Not thread-safe: lives on the cluster's event loop.

    `path` is the SQLite file, or ":memory:". `history` is how many revisions are kept for watches and time travel.
    """

    def __init__(self, path: Path | str, history: int = 100_000):
        self._history = history
        self._watches: dict[tuple[str, str | None], set[Watch]] = {}
        self.triggers: dict[str, Callable[[dict], str]] = {}
        """By resource: a value of each object by which a change finds those that watch `only` that value (apiserver's cacher calls it
        a trigger). With a kubelet on each node, most watches of pods are of this kind."""
        self._current: dict[str, dict[tuple[str, str], Stored]] = {}
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            """
            PRAGMA locking_mode = EXCLUSIVE;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -4000;
            CREATE TABLE IF NOT EXISTS revisions (
                revision INTEGER PRIMARY KEY, resource TEXT, namespace TEXT, name TEXT, data BLOB);
            CREATE INDEX IF NOT EXISTS by_key ON revisions (resource, namespace, name, revision);
            """
        )
        self.revision = self._db.execute("SELECT coalesce(max(revision), 0) FROM revisions").fetchone()[0]
        self.oldest = max(1, self._db.execute("PRAGMA user_version").fetchone()[0])
        for stored in self.at(self.revision):
            self._current.setdefault(stored.key[0], {})[stored.key[1:]] = stored

    def get(self, key: Key) -> Stored | None:
        return self._current.get(key[0], {}).get(key[1:])

    def list(self, resource: str, namespace: str | None = None) -> list[Stored]:
        """Objects of a resource sorted by namespace and name; `namespace` None means all."""
        objects = self._current.get(resource, {})
        return [objects[k] for k in sorted(objects if namespace is None else (k for k in objects if k[0] == namespace))]

    def put(self, key: Key, obj: dict, expected: int | None) -> Stored:
        """Write `obj` as the next revision, which becomes its metadata.resourceVersion.

        `expected` is the revision the key must be at, None when it must not exist. Raises Conflict.
        """
        previous = self._expect(key, expected)
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision + 1)}}
        return self._commit(key, orjson.dumps(obj), previous)

    def delete(self, key: Key, expected: int) -> Stored:
        """Remove the key, which must be at revision `expected`, and return what it was. Raises Conflict."""
        previous = self._expect(key, expected)
        self._commit(key, None, previous)
        return previous

    def watch(self, resource: str, namespace: str | None = None, since: int | None = None, only: str | None = None) -> Watch:
        """Changes after revision `since` (None: from now). With `only`, changes of objects whose trigger had or has that value; others
        may be among them. Raises Compacted."""
        only = only if resource in self.triggers else None
        watch = Watch(self, resource, namespace, only)
        if since is not None and since < self.revision:
            if since < self.oldest - 1:
                raise Compacted(self.oldest)
            for event in self._replay(resource, since):
                watch._deliver(event)
        self._watches.setdefault((resource, only), set()).add(watch)
        return watch

    def at(self, revision: int, namespace: str | None = None) -> Iterator[Stored]:
        """Every object as it was at `revision` (time travel); `namespace` None means all."""
        rows = self._db.execute(
            """SELECT resource, namespace, name, revision, data FROM revisions JOIN
               (SELECT max(revision) AS revision FROM revisions WHERE revision <= ?1 AND namespace = coalesce(?2, namespace)
                GROUP BY resource, namespace, name)
               USING (revision) WHERE data IS NOT NULL""",
            (revision, namespace),
        )
        for resource, namespace, name, at, data in rows:
            yield Stored((resource, namespace, name), at, data)

    def changes(self, namespace: str, since: int, without: Collection[str], limit: int) -> list[tuple[int, str, str, bool]]:
        """The newest `limit` writes in a namespace after revision `since`, oldest first: (revision, resource, name,
        whether it was deleted). `without` names resources to leave out. An earlier namespace of the same name is another one."""
        last_of_earlier = "SELECT max(revision) FROM revisions WHERE resource = 'namespaces' AND name = ? AND data IS NULL"
        since = max(since, self.oldest - 1, self._db.execute(last_of_earlier, (namespace,)).fetchone()[0] or 0)
        rows = self._db.execute(
            f"""SELECT revision, resource, name, data IS NULL FROM revisions WHERE namespace = ? AND revision > ?
                AND resource NOT IN ({', '.join('?' * len(without))}) ORDER BY revision DESC LIMIT ?""",
            (namespace, since, *without, limit),
        ).fetchall()
        return [(revision, resource, name, bool(deleted)) for revision, resource, name, deleted in reversed(rows)]

    def close(self) -> None:
        for watches in list(self._watches.values()):
            for watch in list(watches):
                watch.close()
        self._db.close()

    def _expect(self, key: Key, expected: int | None) -> Stored | None:
        previous = self.get(key)
        if (previous.revision if previous else None) != expected:
            raise Conflict(key)
        return previous

    def _commit(self, key: Key, data: bytes | None, previous: Stored | None) -> Stored | None:
        revision = self.revision + 1
        self._db.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?)", (revision, *key, data))
        self.revision = revision
        current = Stored(key, revision, data) if data is not None else None
        objects = self._current.setdefault(key[0], {})
        if current:
            objects[key[1:]] = current
        else:
            del objects[key[1:]]
        event = Event(revision, current, previous)
        values = {None}
        if trigger := self.triggers.get(key[0]):
            values |= {trigger(stored.object) for stored in (current, previous) if stored}
        for value in values:
            for watch in self._watches.get((key[0], value), ()):
                watch._deliver(event)
        if revision - self.oldest > 2 * self._history:
            self._compact(revision - self._history)
        return current

    def _replay(self, resource: str, since: int) -> Iterator[Event]:
        previous_sql = (
            "SELECT revision, data FROM revisions WHERE resource = ? AND namespace = ? AND name = ? AND revision < ?"
            " ORDER BY revision DESC LIMIT 1"
        )
        changes = self._db.execute(
            "SELECT revision, namespace, name, data FROM revisions WHERE resource = ? AND revision > ? ORDER BY revision",
            (resource, since),
        ).fetchall()
        for revision, namespace, name, data in changes:
            key = (resource, namespace, name)
            before = self._db.execute(previous_sql, (*key, revision)).fetchone()
            previous = Stored(key, *before) if before and before[1] is not None else None
            yield Event(revision, Stored(key, revision, data) if data is not None else None, previous)

    def _compact(self, revision: int) -> None:
        """Forget revisions that were already replaced at `revision`, as etcd's compaction does."""
        self._db.execute(
            """DELETE FROM revisions WHERE revision < ? AND (data IS NULL OR revision NOT IN
               (SELECT max(revision) FROM revisions WHERE revision <= ? GROUP BY resource, namespace, name))""",
            (revision, revision),
        )
        self._db.execute(f"PRAGMA user_version = {revision}")
        self.oldest = revision
