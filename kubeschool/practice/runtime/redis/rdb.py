"""Redis' snapshot file, dump.rdb (`src/rdb.c`; format 10). Written without compression and with its checksum switched off."""
import struct
from collections.abc import Callable, Iterator

from .database import EMPTY, Database, Value, type_of

VERSION = 10
TYPES = {"string": 0, "list": 1, "set": 2, "hash": 4, "zset": 5}
AUX, EXPIRES_MS, RESIZE, SELECT, END = 0xFA, 0xFC, 0xFB, 0xFE, 0xFF


def dump(databases: list[Database], facts: dict[str, str], to_unix: Callable[[float], float]) -> bytes:
    """`facts`: redis-ver, ctime … ; `to_unix` turns an expiry into seconds since the epoch."""
    out = bytearray(b"REDIS%04d" % VERSION)
    for name, value in facts.items():
        out += bytes([AUX]) + _text(name.encode()) + _text(value.encode())
    for number, database in enumerate(databases):
        keys = database.keys()
        if not keys:
            continue
        out += bytes([SELECT]) + _length(number) + bytes([RESIZE]) + _length(len(keys)) + _length(len(database.expires))
        for key in keys:
            if key in database.expires:
                out += struct.pack("<BQ", EXPIRES_MS, int(to_unix(database.expires[key]) * 1000))
            value = database.values[key]
            out += bytes([TYPES[type_of(value)]]) + _text(key) + _value(value)
    return bytes(out) + bytes([END]) + bytes(8)


def _value(value: Value) -> bytes:
    match type_of(value):
        case "string":
            return _text(value)
        case "hash":
            return _length(len(value)) + b"".join(_text(part) for pair in value.items() for part in pair)
        case "zset":
            return _length(len(value)) + b"".join(_text(member) + struct.pack("<d", score) for member, score in value.items())
    return _length(len(value)) + b"".join(map(_text, value))


def _length(count: int) -> bytes:
    if count < 64:
        return bytes([count])
    return struct.pack(">H", 0x4000 | count) if count < 1 << 14 else struct.pack(">BI", 0x80, count)


def _text(data: bytes) -> bytes:
    return _length(len(data)) + data


class Reader:
    """Raises ValueError where the file is no snapshot, or one with encodings that only a real Redis writes."""

    def __init__(self, data: bytes):
        if data[:5] != b"REDIS":
            raise ValueError("Wrong signature trying to load DB from file")
        self.data, self.at = data, 9
        self.facts: dict[str, str] = {}

    def take(self, count: int) -> bytes:
        found = self.data[self.at:self.at + count]
        if len(found) < count:
            raise ValueError("Unexpected EOF reading RDB file")
        self.at += count
        return found

    def length(self) -> int:
        first = self.take(1)[0]
        match first >> 6:
            case 0:
                return first
            case 1:
                return (first & 63) << 8 | self.take(1)[0]
            case 2:
                return int.from_bytes(self.take(4 if first == 0x80 else 8), "big")
        raise ValueError(f"Unknown RDB string encoding type {first & 63}")

    def text(self) -> bytes:
        first = self.data[self.at] if self.at < len(self.data) else 0
        if first in (0xC0, 0xC1, 0xC2):
            self.at += 1
            return b"%d" % int.from_bytes(self.take(1 << (first & 3)), "little", signed=True)
        return self.take(self.length())

    def value(self, kind: int) -> Value:
        name = next((name for name, code in TYPES.items() if code == kind), None)
        if name is None:
            raise ValueError(f"Unknown RDB encoding type {kind}")
        if name == "string":
            return self.text()
        count = self.length()
        if name == "hash":
            return {self.text(): self.text() for _ in range(count)}
        if name == "zset":
            return EMPTY["zset"]({self.text(): struct.unpack("<d", self.take(8))[0] for _ in range(count)})
        return EMPTY[name](self.text() for _ in range(count))

    def entries(self) -> Iterator[tuple[int, bytes, Value, float | None]]:
        """(database, key, value, expiry in seconds since the epoch)."""
        number, expires = 0, None
        while (kind := self.take(1)[0]) != END:
            if kind == AUX:
                name = self.text().decode()
                self.facts[name] = self.text().decode()
            elif kind == SELECT:
                number = self.length()
            elif kind == RESIZE:
                self.length(), self.length()
            elif kind == EXPIRES_MS:
                expires = struct.unpack("<Q", self.take(8))[0] / 1000
            else:
                key = self.text()
                yield number, key, self.value(kind), expires
                expires = None
