"""SPDY/3.1 framing, the server's side: what kubectl's port-forward speaks inside a WebSocket, and port-forward, exec and attach without one
(draft-mbelshe-httpbis-spdy-00; `moby/spdystream`, which ignores flow-control windows, as this does)."""
import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable

from aiohttp import web

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 0x01
QUEUED_FRAMES = 16
_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization "
    "cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range "
    "content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified "
    "location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding "
    "upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found"
    "500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack(">I", len(n)) + n.replace("_", " ").encode() for n in _NAMES.split(" ")) + _TAIL.encode()
"""The preset zlib dictionary of SPDY/3 header blocks (section 2.6.10.1)."""


class Stream:
    """A stream the client opened. `headers` have lower-case names."""

    def __init__(self, connection: "Connection", number: int, headers: dict[str, str]):
        self.headers = headers
        self._connection, self._number = connection, number
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(QUEUED_FRAMES)
        self._abandoned = False

    async def read(self) -> bytes:
        """The next piece; b"" when the client has closed its side."""
        return await self._frames.get()

    async def write(self, data: bytes) -> None:
        await self._connection.send_data(self._number, data)

    async def close(self) -> None:
        """Closes our side; what still comes in is dropped."""
        self._abandoned = True
        while not self._frames.empty():
            self._frames.get_nowait()
        await self._connection.send_data(self._number, b"", FIN)

    async def receive(self, data: bytes) -> None:
        """A frame from the client; waits while the reader is behind."""
        if not self._abandoned:
            await self._frames.put(data)


class Connection:
    """`read` returns the next bytes of the transport (b"" at its end), `write` sends bytes and waits while the client is behind."""

    def __init__(self, read: Callable[[], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]]):
        self._read, self._write = read, write
        self._buffer = bytearray()
        self._streams: dict[int, Stream] = {}
        self._inflate, self._deflate = zlib.decompressobj(zdict=DICTIONARY), zlib.compressobj(zdict=DICTIONARY)

    async def serve(self, accept: Callable[[Stream], None]) -> None:
        """Reads frames until the client has gone (or speaks nonsense); `accept` gets every new stream."""
        try:
            while True:
                head = await self._exactly(8)
                payload = await self._exactly(int.from_bytes(head[5:8], "big"))
                if head[0] & 0x80:
                    await self._control(int.from_bytes(head[2:4], "big"), head[4], payload, accept)
                elif stream := self._streams.get(int.from_bytes(head[:4], "big")):
                    if payload:
                        await stream.receive(payload)
                    if head[4] & FIN:
                        await stream.receive(b"")
        except (EOFError, ConnectionError, struct.error, zlib.error, UnicodeDecodeError):
            return

    async def send_data(self, number: int, data: bytes, flags: int = 0) -> None:
        await self._write(struct.pack(">II", number, flags << 24 | len(data)) + data)

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = await self._read()
            if not data:
                raise EOFError
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _control(self, kind: int, flags: int, payload: bytes, accept: Callable[[Stream], None]) -> None:
        if kind == SYN_STREAM:
            (number,) = struct.unpack_from(">I", payload)
            stream = self._streams[number] = Stream(self, number, self._headers(payload[10:]))
            no_headers = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self._send(SYN_REPLY, struct.pack(">I", number) + no_headers)
            accept(stream)
            if flags & FIN:
                await stream.receive(b"")
        elif kind == RST_STREAM:
            if stream := self._streams.pop(struct.unpack_from(">I", payload)[0], None):
                await stream.receive(b"")
        elif kind == PING:
            await self._send(PING, payload)
        elif kind == GOAWAY:
            raise EOFError

    async def _send(self, kind: int, payload: bytes) -> None:
        await self._write(struct.pack(">HHI", 0x8003, kind, len(payload)) + payload)

    def _headers(self, block: bytes) -> dict[str, str]:
        block = self._inflate.decompress(block)
        (count,), at, headers = struct.unpack_from(">I", block), 4, {}
        for _ in range(count):
            pair = []
            for _ in range(2):
                (size,) = struct.unpack_from(">I", block, at)
                pair.append(block[at + 4 : at + 4 + size].decode())
                at += 4 + size
            headers[pair[0]] = pair[1]
        return headers


class _Taken(asyncio.StreamReaderProtocol):
    """Takes the place of `previous` on its transport; `previous` still hears of the end."""

    def __init__(self, reader: asyncio.StreamReader, previous: asyncio.BaseProtocol):
        super().__init__(reader)
        self._previous = previous

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._previous.connection_lost(exc)


class Upgrade(web.StreamResponse):
    """The answer 101 Switching Protocols, after which the connection is not aiohttp's but a plain byte stream: `read`, `write`, `end`."""

    def __init__(self, http: web.BaseRequest, headers: dict[str, str]):
        super().__init__(status=101)
        assert http.transport
        self._transport, loop = http.transport, asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(loop=loop)
        protocol = _Taken(self._reader, http.protocol)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        self._writer = asyncio.StreamWriter(self._transport, protocol, self._reader, loop)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{lines}\r\n".encode())

    async def read(self) -> bytes:
        return await self._reader.read(65536)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        self._writer.close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: aiohttp calls this when the handler returns."""

    async def write_eof(self, data: bytes = b"") -> None:
        """As `prepare`."""
