"""What Redis' commands do to the data. Those about the server itself are in server.py. Words and limits are Redis' own (`src/t_*.c`,
`src/db.c`)."""
import asyncio
import fnmatch
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .database import Sorted, type_of
from .resp import NULL_ARRAY, OK, Error, Status

if TYPE_CHECKING:
    from .server import Session

NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_FLOAT = "ERR value is not a valid float"
SYNTAX = "ERR syntax error"
NO_KEY = "ERR no such key"


@dataclass(frozen=True)
class Command:
    """`arity` counts the name; negative: at least so many. `write`: changes data. `grows`: refused when memory is full."""

    name: str
    arity: int
    run: Callable
    write: bool = False
    grows: bool = False

    def accepts(self, count: int) -> bool:
        return count == self.arity if self.arity > 0 else count >= -self.arity


COMMANDS: dict[str, Command] = {}


def no_subcommand(name: str, word: bytes, known: str = "") -> Error:
    """For a second word that is not among the `known`, or has a wrong number of arguments."""
    text = word.decode("utf-8", "replace")
    if text.lower() in known.split():
        return Error(f"ERR wrong number of arguments for '{name}|{text.lower()}' command")
    return Error(f"ERR unknown subcommand '{text[:128]}'. Try {name.upper()} HELP.")


def command(name: str, arity: int, *, write: bool = False, grows: bool = False):
    """Registers `run(session, *arguments)`, which returns a reply or is a coroutine that does."""
    def register(run: Callable) -> Callable:
        COMMANDS[name] = Command(name, arity, run, write, grows)
        return run
    return register


def update(name: str, arity: int):
    """A command that writes and needs memory."""
    return command(name, arity, write=True, grows=True)


def integer(text: bytes, words: str = NOT_INTEGER) -> int:
    if not re.fullmatch(rb"-?\d{1,19}", text) or not -(1 << 63) <= int(text) < 1 << 63:
        raise Error(words)
    return int(text)


def real(text: bytes, words: str = NOT_FLOAT) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Error(words) from None
    if math.isnan(value):
        raise Error(words)
    return value


def number(value: float) -> bytes:
    """A float as Redis prints it."""
    if math.isinf(value):
        return b"inf" if value > 0 else b"-inf"
    return b"%d" % value if value == int(value) and abs(value) < 1e17 else repr(value).encode()


def pattern(glob: bytes) -> re.Pattern[str]:
    text = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", glob.decode("latin-1")).replace("[^", "[!")
    return re.compile(fnmatch.translate(text), re.DOTALL)


def matching(names, glob: bytes) -> list[bytes]:
    if glob == b"*":
        return list(names)
    found = pattern(glob)
    return [name for name in names if found.match(name.decode("latin-1"))]


def options(words: tuple[bytes, ...], flags: str = "", valued: str = "") -> dict[str, bytes]:
    """{OPTION: its value} of trailing words; raises Error(syntax error) for others."""
    found, rest = {}, list(words)
    while rest:
        name = rest.pop(0).decode("latin-1").upper()
        if name in valued.split() and rest:
            found[name] = rest.pop(0)
        elif name in flags.split():
            found[name] = b""
        else:
            raise Error(SYNTAX)
    return found


def deadline(session: "Session", chosen: dict[str, bytes], name: str) -> float | None:
    """When EX, PX, EXAT or PXAT say the key expires, on the database's scale."""
    for option, scale, absolute in (("EX", 1, False), ("PX", 1000, False), ("EXAT", 1, True), ("PXAT", 1000, True)):
        if option in chosen:
            count = integer(chosen[option])
            if count <= 0:
                raise Error(f"ERR invalid expire time in '{name}' command")
            return session.server.from_unix(count / scale) if absolute else session.db.now() + count / scale
    return None


# --- keys ---

@command("del", -2, write=True)
@command("unlink", -2, write=True)
def delete(session, *keys):
    return sum(session.remove(key) for key in keys)


@command("exists", -2)
def exists(session, *keys):
    return sum(session.db.get(key) is not None for key in keys)


command("touch", -2)(exists)


@command("type", 2)
def type_(session, key):
    value = session.db.get(key)
    return Status("none" if value is None else type_of(value))


@command("keys", 2)
def keys(session, glob):
    return matching(session.db.keys(), glob)


@command("scan", -2)
def scan(session, cursor, *words):
    chosen = options(words, valued="MATCH COUNT TYPE")
    integer(cursor, "ERR invalid cursor")
    found = matching(session.db.keys(), chosen.get("MATCH", b"*"))
    kind = chosen.get("TYPE", b"").decode()
    return [b"0", [key for key in found if not kind or type_of(session.db.values[key]) == kind]]


@command("dbsize", 1)
def dbsize(session):
    return len(session.db.keys())


@command("randomkey", 1)
def randomkey(session):
    found = session.db.keys()
    return random.choice(found) if found else None


def _rename(session, key, new):
    value = session.db.get(key)
    if value is None:
        raise Error(NO_KEY)
    expires = session.db.expires.get(key)
    session.remove(key)
    session.store(new, value, expires)


@command("rename", 3, write=True)
def rename(session, key, new):
    _rename(session, key, new)
    return OK


@command("renamenx", 3, write=True)
def renamenx(session, key, new):
    if session.db.get(new) is not None and session.db.get(key) is not None:
        return 0
    _rename(session, key, new)
    return 1


@update("copy", -3)
def copy(session, key, new, *words):
    chosen = options(words, "REPLACE")
    value = session.db.get(key)
    if value is None or (session.db.get(new) is not None and "REPLACE" not in chosen):
        return 0
    session.store(new, value if isinstance(value, bytes) else value.copy(), session.db.expires.get(key))
    return 1


def _expire(name: str, scale: int, absolute: bool) -> None:
    @command(name, -3, write=True)
    def expire(session, key, count, *words):
        at = integer(count) / scale
        at = session.server.from_unix(at) if absolute else session.db.now() + at
        chosen = options(words, "NX XX GT LT")
        if session.db.get(key) is None:
            return 0
        before = session.db.expires.get(key)
        known = math.inf if before is None else before
        if ("NX" in chosen and before is not None) or ("XX" in chosen and before is None) or ("GT" in chosen and at <= known) or (
                "LT" in chosen and at >= known):
            return 0
        if at <= session.db.now():
            session.remove(key)
            return 1
        session.db.expires[key] = at
        session.changed(key, [b"PEXPIREAT", key, b"%d" % (session.server.to_unix(at) * 1000)])
        return 1


for _name, _scale, _absolute in (("expire", 1, False), ("pexpire", 1000, False), ("expireat", 1, True), ("pexpireat", 1000, True)):
    _expire(_name, _scale, _absolute)


@command("persist", 2, write=True)
def persist(session, key):
    if session.db.get(key) is None or session.db.expires.pop(key, None) is None:
        return 0
    session.changed(key)
    return 1


def _left(session, key, scale):
    if session.db.get(key) is None:
        return -2
    at = session.db.expires.get(key)
    return -1 if at is None else round((at - session.db.now()) * scale)


command("ttl", 2)(lambda session, key: _left(session, key, 1))
command("pttl", 2)(lambda session, key: _left(session, key, 1000))


@command("object", -2)
def object_(session, word, *keys):
    if word.lower() not in (b"encoding", b"refcount", b"idletime") or len(keys) != 1:
        raise no_subcommand("object", word, "encoding refcount idletime")
    value = session.db.get(keys[0])
    if value is None:
        return None
    if word.lower() != b"encoding":
        return 1 if word.lower() == b"refcount" else 0
    if isinstance(value, bytes):
        return b"int" if re.fullmatch(rb"-?\d{1,19}", value) else b"embstr" if len(value) <= 44 else b"raw"
    if isinstance(value, set) and len(value) <= 512 and all(member.isdigit() for member in value):
        return b"intset"
    small = len(value) <= 128
    return {"list": b"quicklist", "set": b"hashtable"}.get(type_of(value)) or (
        b"listpack" if small else b"skiplist" if isinstance(value, Sorted) else b"hashtable")


# --- strings ---

@command("get", 2)
def get(session, key):
    return session.db.get(key, "string")


@update("set", -3)
def set_(session, key, value, *words):
    chosen = options(words, "NX XX GET KEEPTTL", "EX PX EXAT PXAT")
    if sum(name in chosen for name in ("EX", "PX", "EXAT", "PXAT", "KEEPTTL")) > 1 or {"NX", "XX"} <= set(chosen):
        raise Error(SYNTAX)
    at = deadline(session, chosen, "set")
    before = session.db.get(key, "string" if "GET" in chosen else None)
    if ("NX" in chosen and before is not None) or ("XX" in chosen and before is None):
        return before if "GET" in chosen else None
    if "KEEPTTL" in chosen:
        at = session.db.expires.get(key)
    session.store(key, value, at)
    return before if "GET" in chosen else OK


@update("setnx", 3)
def setnx(session, key, value):
    return int(set_(session, key, value, b"NX") is OK)


@update("setex", 4)
def setex(session, key, seconds, value):
    session.store(key, value, deadline(session, {"EX": seconds}, "setex"))
    return OK


@update("psetex", 4)
def psetex(session, key, milliseconds, value):
    session.store(key, value, deadline(session, {"PX": milliseconds}, "psetex"))
    return OK


@update("getset", 3)
def getset(session, key, value):
    before = session.db.get(key, "string")
    session.store(key, value)
    return before


@command("getdel", 2, write=True)
def getdel(session, key):
    value = session.db.get(key, "string")
    session.remove(key)
    return value


@command("getex", -2, write=True)
def getex(session, key, *words):
    chosen = options(words, "PERSIST", "EX PX EXAT PXAT")
    at = deadline(session, chosen, "getex")
    value = session.db.get(key, "string")
    if value is not None and chosen:
        session.store(key, value, at)
    return value


@command("mget", -2)
def mget(session, *keys):
    return [value if isinstance(value := session.db.get(key), bytes) else None for key in keys]


@update("mset", -3)
def mset(session, *pairs):
    if len(pairs) % 2:
        raise Error("ERR wrong number of arguments for 'mset' command")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        session.store(key, value)
    return OK


@update("msetnx", -3)
def msetnx(session, *pairs):
    if any(session.db.get(key) is not None for key in pairs[::2]):
        return 0
    mset(session, *pairs)
    return 1


@update("append", 3)
def append(session, key, more):
    value = (session.db.get(key, "string") or b"") + more
    session.replace(key, value)
    return len(value)


@command("strlen", 2)
def strlen(session, key):
    return len(session.db.get(key, "string") or b"")


@command("getrange", 4)
@command("substr", 4)
def getrange(session, key, start, end):
    return b"".join(_slice([bytes([c]) for c in session.db.get(key, "string") or b""], start, end))


@update("setrange", 4)
def setrange(session, key, offset, more):
    at, value = integer(offset), session.db.get(key, "string") or b""
    if at < 0:
        raise Error("ERR offset is out of range")
    if at + len(more) > 512 << 20:
        raise Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    if more:
        value = value[:at].ljust(at, b"\0") + more + value[at + len(more):]
        session.replace(key, value)
    return len(value)


def _increase(session, key, by: int):
    value = integer(session.db.get(key, "string") or b"0") + by
    if not -(1 << 63) <= value < 1 << 63:
        raise Error("ERR increment or decrement would overflow")
    session.replace(key, b"%d" % value)
    return value


update("incr", 2)(lambda session, key: _increase(session, key, 1))
update("decr", 2)(lambda session, key: _increase(session, key, -1))
update("incrby", 3)(lambda session, key, by: _increase(session, key, integer(by)))
update("decrby", 3)(lambda session, key, by: _increase(session, key, -integer(by)))


@update("incrbyfloat", 3)
def incrbyfloat(session, key, by):
    value = number(real(session.db.get(key, "string") or b"0") + real(by))
    session.replace(key, value)
    return value


# --- lists ---

def _slice(items: list, start: bytes, end: bytes) -> list:
    first, last = integer(start), integer(end)
    first = max(0, first + len(items)) if first < 0 else first
    last = last + len(items) if last < 0 else last
    return items[first:last + 1] if last >= first else []


def _push(name: str, left: bool, must_exist: bool) -> None:
    @update(name, -3)
    def push(session, key, *values):
        items = session.db.open(key, "list")
        if must_exist and not items:
            return 0
        if left:
            items[:0] = values[::-1]
        else:
            items.extend(values)
        session.replace(key, items)
        count = len(items)
        session.server.wake(session.db, key)
        return count


for _name, _left_end, _must in (("lpush", True, False), ("rpush", False, False), ("lpushx", True, True), ("rpushx", False, True)):
    _push(_name, _left_end, _must)


def _pop(session, key, left: bool) -> bytes | None:
    items = session.db.get(key, "list")
    if not items:
        return None
    value = items.pop(0 if left else -1)
    session.replace(key, items)
    return value


def _popping(name: str, left: bool) -> None:
    @command(name, -2, write=True)
    def pop(session, key, *count):
        if not count:
            return _pop(session, key, left)
        if len(count) > 1 or integer(count[0], "ERR value is out of range, must be positive") < 0:
            raise Error("ERR value is out of range, must be positive")
        found = [value for _ in range(integer(count[0])) if (value := _pop(session, key, left)) is not None]
        return found if found or session.db.get(key, "list") else NULL_ARRAY

    @command("b" + name, -3, write=True)
    async def blocking_pop(session, *arguments):
        *keys, timeout = arguments

        def attempt():
            for key in keys:
                if session.db.get(key, "list"):
                    return [key, _pop(session, key, left)]
            return None
        found = await _blocking(session, keys, timeout, attempt)
        if found:
            session.propagated = [[name.encode(), found[0]]]
        return found or NULL_ARRAY


_popping("lpop", True)
_popping("rpop", False)


async def _blocking(session, keys, timeout: bytes, attempt: Callable):
    """What `attempt` returns once it is not None; None after `timeout` seconds (0: never)."""
    seconds = real(timeout, "ERR timeout is not a float or out of range")
    if seconds < 0:
        raise Error("ERR timeout is negative")
    until = session.db.now() + seconds if seconds else math.inf
    while (found := attempt()) is None and not session.in_transaction:
        left = until - session.db.now()
        if left <= 0:
            return None
        try:
            await asyncio.wait_for(session.server.wait(session.db, keys), None if math.isinf(left) else session.server.clock.real(left))
        except TimeoutError:
            return None
    return found


def _move(session, source, target, from_left: bool, to_left: bool):
    session.db.get(target, "list")
    value = _pop(session, source, from_left)
    if value is not None:
        COMMANDS["lpush" if to_left else "rpush"].run(session, target, value)
    return value


def _left_word(word: bytes) -> bool:
    if word.upper() not in (b"LEFT", b"RIGHT"):
        raise Error(SYNTAX)
    return word.upper() == b"LEFT"


@update("rpoplpush", 3)
def rpoplpush(session, source, target):
    return _move(session, source, target, False, True)


@update("lmove", 5)
def lmove(session, source, target, where, to):
    return _move(session, source, target, _left_word(where), _left_word(to))


@update("brpoplpush", 4)
async def brpoplpush(session, source, target, timeout):
    value = await _blocking(session, [source], timeout, lambda: _move(session, source, target, False, True))
    session.propagated = [[b"RPOPLPUSH", source, target]]
    return value


@update("blmove", 6)
async def blmove(session, source, target, where, to, timeout):
    ends = _left_word(where), _left_word(to)
    value = await _blocking(session, [source], timeout, lambda: _move(session, source, target, *ends))
    session.propagated = [[b"LMOVE", source, target, where, to]]
    return value


@command("llen", 2)
def llen(session, key):
    return len(session.db.get(key, "list") or ())


@command("lrange", 4)
def lrange(session, key, start, end):
    integer(start), integer(end)
    return _slice(session.db.get(key, "list") or [], start, end)


@command("lindex", 3)
def lindex(session, key, index):
    items, at = session.db.get(key, "list") or [], integer(index)
    return items[at] if -len(items) <= at < len(items) else None


@update("lset", 4)
def lset(session, key, index, value):
    items, at = session.db.get(key, "list"), integer(index)
    if items is None:
        raise Error(NO_KEY)
    if not -len(items) <= at < len(items):
        raise Error("ERR index out of range")
    items[at] = value
    session.replace(key, items)
    return OK


@command("ltrim", 4, write=True)
def ltrim(session, key, start, end):
    items = session.db.get(key, "list")
    if items is not None:
        session.replace(key, _slice(items, start, end))
    return OK


@command("lrem", 4, write=True)
def lrem(session, key, count, value):
    items, most = session.db.open(key, "list"), integer(count)
    places = [i for i, item in enumerate(items) if item == value]
    places = places[most:] if most < 0 else places[:most or None]
    for i in reversed(places):
        del items[i]
    if places:
        session.replace(key, items)
    return len(places)


@update("linsert", 5)
def linsert(session, key, where, pivot, value):
    if where.upper() not in (b"BEFORE", b"AFTER"):
        raise Error(SYNTAX)
    items = session.db.open(key, "list")
    if pivot not in items:
        return -1 if items else 0
    items.insert(items.index(pivot) + (where.upper() == b"AFTER"), value)
    session.replace(key, items)
    return len(items)


@command("lpos", -3)
def lpos(session, key, value, *words):
    options(words, valued="RANK COUNT MAXLEN")
    items = session.db.get(key, "list") or []
    return items.index(value) if value in items else None


# --- hashes ---

@update("hset", -4)
def hset(session, key, *pairs):
    if len(pairs) % 2:
        raise Error("ERR wrong number of arguments for 'hset' command")
    fields = session.db.open(key, "hash")
    before = len(fields)
    fields.update(zip(pairs[::2], pairs[1::2], strict=True))
    session.replace(key, fields)
    return len(fields) - before


@update("hmset", -4)
def hmset(session, key, *pairs):
    if len(pairs) % 2:
        raise Error("ERR wrong number of arguments for 'hmset' command")
    hset(session, key, *pairs)
    return OK


@update("hsetnx", 4)
def hsetnx(session, key, field, value):
    return 0 if field in session.db.open(key, "hash") else hset(session, key, field, value)


@command("hget", 3)
def hget(session, key, field):
    return (session.db.get(key, "hash") or {}).get(field)


@command("hmget", -3)
def hmget(session, key, *fields):
    found = session.db.get(key, "hash") or {}
    return [found.get(field) for field in fields]


@command("hgetall", 2)
def hgetall(session, key):
    return [part for pair in (session.db.get(key, "hash") or {}).items() for part in pair]


command("hkeys", 2)(lambda session, key: list(session.db.get(key, "hash") or ()))
command("hvals", 2)(lambda session, key: list((session.db.get(key, "hash") or {}).values()))
command("hlen", 2)(lambda session, key: len(session.db.get(key, "hash") or ()))
command("hexists", 3)(lambda session, key, field: int(field in (session.db.get(key, "hash") or ())))
command("hstrlen", 3)(lambda session, key, field: len((session.db.get(key, "hash") or {}).get(field, b"")))


@command("hscan", -3)
def hscan(session, key, cursor, *words):
    chosen = options(words, valued="MATCH COUNT")
    integer(cursor, "ERR invalid cursor")
    fields = session.db.get(key, "hash") or {}
    return [b"0", [part for field in matching(fields, chosen.get("MATCH", b"*")) for part in (field, fields[field])]]


@command("hdel", -3, write=True)
def hdel(session, key, *names):
    fields = session.db.open(key, "hash")
    gone = sum(fields.pop(name, None) is not None for name in names)
    if gone:
        session.replace(key, fields)
    return gone


@update("hincrby", 4)
def hincrby(session, key, field, by):
    fields = session.db.open(key, "hash")
    value = integer(fields.get(field, b"0"), "ERR hash value is not an integer") + integer(by)
    fields[field] = b"%d" % value
    session.replace(key, fields)
    return value


@update("hincrbyfloat", 4)
def hincrbyfloat(session, key, field, by):
    fields = session.db.open(key, "hash")
    fields[field] = number(real(fields.get(field, b"0"), "ERR hash value is not a float") + real(by))
    session.replace(key, fields)
    return fields[field]


# --- sets ---

@update("sadd", -3)
def sadd(session, key, *members):
    found = session.db.open(key, "set")
    new = set(members) - found
    if new:
        found |= new
        session.replace(key, found)
    return len(new)


@command("srem", -3, write=True)
def srem(session, key, *members):
    found = session.db.open(key, "set")
    gone = found & set(members)
    if gone:
        found -= gone
        session.replace(key, found)
    return len(gone)


@command("spop", -2, write=True)
def spop(session, key, *count):
    found = session.db.open(key, "set")
    taken = random.sample(sorted(found), min(len(found), integer(count[0]) if count else 1))
    if taken:
        srem(session, key, *taken)
        session.propagated = [[b"SREM", key, *taken]]
    return taken if count else taken[0] if taken else None


@command("srandmember", -2)
def srandmember(session, key, *count):
    found = sorted(session.db.get(key, "set") or ())
    if not count:
        return random.choice(found) if found else None
    wanted = integer(count[0])
    return random.choices(found, k=-wanted) if found and wanted < 0 else random.sample(found, min(len(found), max(0, wanted)))


command("smembers", 2)(lambda session, key: list(session.db.get(key, "set") or ()))
command("scard", 2)(lambda session, key: len(session.db.get(key, "set") or ()))
command("sismember", 3)(lambda session, key, member: int(member in (session.db.get(key, "set") or ())))
command("smismember", -3)(lambda session, key, *members: [int(member in (session.db.get(key, "set") or ())) for member in members])
command("sscan", -3)(lambda session, key, cursor, *words: [b"0", list(session.db.get(key, "set") or ())])


@update("smove", 4)
def smove(session, source, target, member):
    session.db.get(target, "set")
    if not srem(session, source, member):
        return 0
    sadd(session, target, member)
    return 1


def _algebra(name: str, combine: Callable) -> None:
    def result(session, keys) -> set:
        first, *rest = [session.db.get(key, "set") or set() for key in keys]
        return combine(first, *rest)

    command(name, -2)(lambda session, *keys: list(result(session, keys)))

    @update(name + "store", -3)
    def store(session, target, *keys):
        found = set(result(session, keys))
        if found:
            session.store(target, found)
        else:
            session.remove(target)
        return len(found)


for _name, _combine in (("sinter", set.intersection), ("sunion", set.union), ("sdiff", set.difference)):
    _algebra(_name, _combine)


# --- sorted sets ---

@update("zadd", -4)
def zadd(session, key, *words):
    flags, rest = set(), list(words)
    while rest and rest[0].upper() in (b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"):
        flags.add(rest.pop(0).upper())
    if not rest or len(rest) % 2:
        raise Error(SYNTAX)
    if {b"NX", b"XX"} <= flags:
        raise Error("ERR XX and NX options at the same time are not compatible")
    pairs = [(real(score), member) for score, member in zip(rest[::2], rest[1::2], strict=True)]
    members = session.db.open(key, "zset")
    added = changed = 0
    score = None
    for value, member in pairs:
        before = members.get(member)
        value = value + (before or 0) if b"INCR" in flags else value
        if (b"NX" in flags and before is not None) or (b"XX" in flags and before is None) or (
                before is not None and ((b"GT" in flags and value <= before) or (b"LT" in flags and value >= before))):
            score = None
            continue
        added += before is None
        changed += before != value
        members[member] = score = value
    if changed:
        session.replace(key, members)
    if b"INCR" in flags:
        return None if score is None else number(score)
    return changed if b"CH" in flags else added


@update("zincrby", 4)
def zincrby(session, key, by, member):
    return zadd(session, key, b"INCR", by, member)


@command("zscore", 3)
def zscore(session, key, member):
    score = (session.db.get(key, "zset") or {}).get(member)
    return None if score is None else number(score)


@command("zrem", -3, write=True)
def zrem(session, key, *names):
    members = session.db.open(key, "zset")
    gone = sum(members.pop(name, None) is not None for name in names)
    if gone:
        session.replace(key, members)
    return gone


def _ranked(session, key, reverse: bool = False) -> list[tuple[bytes, float]]:
    found = (session.db.get(key, "zset") or Sorted()).ranked()
    return found[::-1] if reverse else found


def _pairs(found, scores: bool) -> list[bytes]:
    return [part for member, score in found for part in ((member, number(score)) if scores else (member,))]


def _limit(text: bytes) -> tuple[float, bool]:
    """A score limit and whether it is exclusive."""
    return real(text.lstrip(b"("), "ERR min or max is not a float"), text.startswith(b"(")


def _between(session, key, low: bytes, high: bytes, reverse: bool = False) -> list[tuple[bytes, float]]:
    (least, above), (most, below) = _limit(low), _limit(high)
    return [(member, score) for member, score in _ranked(session, key, reverse)
            if (score > least if above else score >= least) and (score < most if below else score <= most)]


@command("zrange", -4)
def zrange(session, key, start, end, *words):
    chosen = {word.upper() for word in words}
    if chosen - {b"WITHSCORES", b"REV", b"BYSCORE"}:
        raise Error(SYNTAX)
    reverse = b"REV" in chosen
    if b"BYSCORE" in chosen:
        found = _between(session, key, *((end, start) if reverse else (start, end)), reverse)
    else:
        found = _slice(_ranked(session, key, reverse), start, end)
    return _pairs(found, b"WITHSCORES" in chosen)


command("zrevrange", -4)(lambda session, key, start, end, *words: zrange(session, key, start, end, b"REV", *words))
command("zrangebyscore", -4)(lambda session, key, low, high, *words: zrange(session, key, low, high, b"BYSCORE", *words))
command("zrevrangebyscore", -4)(lambda session, key, high, low, *words: zrange(session, key, high, low, b"BYSCORE", b"REV", *words))
command("zcard", 2)(lambda session, key: len(session.db.get(key, "zset") or ()))
command("zcount", 4)(lambda session, key, low, high: len(_between(session, key, low, high)))


def _rank(session, key, member, reverse: bool):
    return next((i for i, (name, _) in enumerate(_ranked(session, key, reverse)) if name == member), None)


command("zrank", 3)(lambda session, key, member: _rank(session, key, member, False))
command("zrevrank", 3)(lambda session, key, member: _rank(session, key, member, True))


def _zpop(name: str, reverse: bool) -> None:
    @command(name, -2, write=True)
    def pop(session, key, *count):
        found = _ranked(session, key, reverse)[:integer(count[0]) if count else 1]
        if found:
            zrem(session, key, *(member for member, _ in found))
        return _pairs(found, True)


_zpop("zpopmin", False)
_zpop("zpopmax", True)


@command("zremrangebyscore", 4, write=True)
def zremrangebyscore(session, key, low, high):
    found = _between(session, key, low, high)
    return zrem(session, key, *(member for member, _ in found)) if found else 0


@command("zremrangebyrank", 4, write=True)
def zremrangebyrank(session, key, start, end):
    found = _slice(_ranked(session, key), start, end)
    return zrem(session, key, *(member for member, _ in found)) if found else 0

