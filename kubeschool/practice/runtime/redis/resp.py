"""RESP2, Redis' wire protocol (redis.io/docs/latest/develop/reference/protocol-spec)."""
import asyncio

MAX_BULK = 512 << 20


class Status(str):
    """A simple string: +OK."""


class Error(Exception):
    """An error reply; the message begins with its code: ERR, WRONGTYPE …"""


class NullArray:
    """A reply without an array: *-1 (EXEC of a broken WATCH, BLPOP out of time)."""


OK, NULL_ARRAY = Status("OK"), NullArray()


def encode(value) -> bytes:
    """A reply, or a request (a list of bytes)."""
    match value:
        case None:
            return b"$-1\r\n"
        case NullArray():
            return b"*-1\r\n"
        case Error():
            return b"-%s\r\n" % str(value).encode()
        case Status():
            return b"+%s\r\n" % value.encode()
        case int():
            return b":%d\r\n" % value
        case str():
            return encode(value.encode())
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(value), value)
        case _:
            return b"*%d\r\n" % len(value) + b"".join(map(encode, value))


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line.rstrip(b"\r\n")


async def read_request(reader: asyncio.StreamReader) -> list[bytes]:
    """One command with its arguments, [] for an empty line. Raises EOFError, Error for what is no request."""
    line = await _line(reader)
    if not line.startswith(b"*"):
        words = split(line)
        if words is None:
            raise Error("ERR Protocol error: unbalanced quotes in request")
        return words
    words = []
    for _ in range(_length(line[1:], 1 << 20, "multibulk")):
        head = await _line(reader)
        if not head.startswith(b"$"):
            raise Error(f"ERR Protocol error: expected '$', got '{head[:1].decode('latin-1')}'")
        words.append((await reader.readexactly(_length(head[1:], MAX_BULK, "bulk") + 2))[:-2])
    return words


def _length(digits: bytes, most: int, what: str) -> int:
    if not digits.lstrip(b"-").isdigit() or int(digits) > most or (what == "bulk" and int(digits) < 0):
        raise Error(f"ERR Protocol error: invalid {what} length")
    return int(digits)


async def read_reply(reader: asyncio.StreamReader):
    """A reply as encode() takes it; an Error is returned, not raised. Raises EOFError."""
    line = await _line(reader)
    kind, rest = line[:1], line[1:]
    match kind:
        case b"+":
            return Status(rest.decode())
        case b"-":
            return Error(rest.decode())
        case b":":
            return int(rest)
        case b"$":
            return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
        case b"*":
            return NULL_ARRAY if rest == b"-1" else [await read_reply(reader) for _ in range(int(rest))]
    raise EOFError


ESCAPES = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}


def split(line: bytes) -> list[bytes] | None:
    """Words of a line with "double" and 'single' quotes, None when a quote is not closed (`sdssplitargs`)."""
    words, i = [], 0
    while True:
        while i < len(line) and line[i:i + 1].isspace():
            i += 1
        if i == len(line):
            return words
        word, quote = bytearray(), 0
        while i < len(line):
            c = line[i]
            i += 1
            if quote:
                if c == quote:
                    if i < len(line) and not line[i:i + 1].isspace():
                        return None
                    quote = 0
                    break
                if c == ord("\\") and i < len(line):
                    following = line[i]
                    if quote == ord("'"):
                        if following == quote:
                            c, i = following, i + 1
                    elif following == ord("x") and len(line) > i + 2 and all(chr(d) in "0123456789abcdefABCDEF" for d in line[i + 1:i + 3]):
                        c, i = int(line[i + 1:i + 3], 16), i + 3
                    else:
                        c, i = ESCAPES.get(following, following), i + 1
                word.append(c)
            elif c in b"\"'":
                quote = c
            elif bytes([c]).isspace():
                break
            else:
                word.append(c)
        if quote:
            return None
        words.append(bytes(word))


def quoted(data: bytes) -> str:
    """As redis-cli shows a bulk string on a terminal (`sdscatrepr`)."""
    named = {10: "\\n", 13: "\\r", 9: "\\t", 8: "\\b", 7: "\\a", 34: '\\"', 92: "\\\\"}
    return '"' + "".join(named.get(c) or (chr(c) if 32 <= c < 127 else f"\\x{c:02x}") for c in data) + '"'
