"""Keys, values and their expiry: one of Redis' numbered databases.

Values are bytes (string), list, dict (hash), set, and Sorted (sorted set: {member: score}).
"""
import random
from collections.abc import Callable

from .resp import Error

Value = bytes | list | dict | set


class Sorted(dict):
    """A sorted set: {member: score}."""

    def ranked(self) -> list[tuple[bytes, float]]:
        return sorted(self.items(), key=lambda item: (item[1], item[0]))


TYPES = {bytes: "string", list: "list", set: "set", Sorted: "zset", dict: "hash"}
EMPTY = {"list": list, "set": set, "zset": Sorted, "hash": dict}
ENTRY, ELEMENT = 56, 64
"""Bytes reckoned for a key and for an element of a collection."""


def type_of(value: Value) -> str:
    return TYPES[type(value)]


class Database:
    """`expires` holds {key: time}, on the scale of `now()`, in seconds."""

    def __init__(self, now: Callable[[], float]):
        self.now = now
        self.values: dict[bytes, Value] = {}
        self.expires: dict[bytes, float] = {}
        self.versions: dict[bytes, int] = {}
        """How often a key was written: WATCH compares them."""
        self.size = 0
        self._sizes: dict[bytes, int] = {}
        self.expired = 0

    def get(self, key: bytes, kind: str | None = None) -> Value | None:
        """Raises Error(WRONGTYPE) when the key holds another type than `kind`."""
        if (expires := self.expires.get(key)) is not None and expires <= self.now():
            self.delete(key)
            self.expired += 1
        value = self.values.get(key)
        if kind and value is not None and type_of(value) != kind:
            raise Error("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def open(self, key: bytes, kind: str) -> Value:
        """The collection at `key`, a new one where there is none; touch() puts it in its place."""
        found = self.get(key, kind)
        return EMPTY[kind]() if found is None else found

    def set(self, key: bytes, value: Value, keep_expiry: bool = False) -> None:
        self.values[key] = value
        if not keep_expiry:
            self.expires.pop(key, None)
        self.touch(key, value)

    def touch(self, key: bytes, value: Value) -> None:
        """`value` of `key` has changed; an empty collection is no key."""
        if not value and not isinstance(value, bytes):
            self.delete(key)
            return
        self.values[key] = value
        self.versions[key] = self.versions.get(key, 0) + 1
        size = ENTRY + len(key) + (len(value) if isinstance(value, bytes) else len(value) * ELEMENT)
        self.size += size - self._sizes.get(key, 0)
        self._sizes[key] = size

    def delete(self, key: bytes) -> bool:
        if key not in self.values:
            return False
        del self.values[key]
        self.expires.pop(key, None)
        self.versions[key] = self.versions.get(key, 0) + 1
        self.size -= self._sizes.pop(key)
        return True

    def keys(self) -> list[bytes]:
        now = self.now()
        for key in [key for key, at in self.expires.items() if at <= now]:
            self.get(key)
        return list(self.values)

    def clear(self) -> None:
        for key in list(self.values):
            self.delete(key)

    def evict(self, volatile: bool) -> bool:
        """Drops a random key (of those that expire when `volatile`); False when there is none."""
        candidates = list(self.expires if volatile else self.values)
        return bool(candidates) and self.delete(random.choice(candidates))
