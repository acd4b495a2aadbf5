"""port-forward: SPDY streams inside a WebSocket (kubectl), on the bare connection (kubectl's fallback), or WebSocket v4 (Python clients)
(`k8s.io/cri-streaming/pkg/streaming/portforward/{httpstream,websocket}.go`)."""
import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from . import errors, spdy
from .errors import ApiError

TUNNEL, V4, SPDY = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io", "portforward.k8s.io"
MESSAGE_LIMIT = 32 * 1024 * 1024
HALF_CLOSED_SECONDS = 1
"""What a pod has left to answer in after the client has closed its side (containerd `internal/cri/server/sandbox_portforward_linux.go`)."""

Connect = Callable[[int], Awaitable[tuple]]


async def serve(http: web.BaseRequest, pod: dict, kubelet) -> web.StreamResponse:
    upgrade, metadata = http.headers.get("Upgrade", "").lower(), pod["metadata"]

    def connect(port: int) -> Awaitable[tuple]:
        return kubelet.port_forward(metadata["namespace"], metadata["name"], port)

    if upgrade == "spdy/3.1":
        transport = spdy.Upgrade(http, {"Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": SPDY})
        try:
            await _serve_spdy(spdy.Connection(transport.read, transport.write), connect)
        finally:
            transport.end()
        return transport
    if upgrade != "websocket":
        raise errors.bad_request("Upgrade request required")
    socket = web.WebSocketResponse(protocols=(TUNNEL, V4), compress=False, max_msg_size=MESSAGE_LIMIT)
    protocol = socket.can_prepare(http).protocol
    if not protocol:
        raise errors.bad_request(f"websocket server can't negotiate a subprotocol: want one of {TUNNEL}, {V4}")
    ports = _ports(http.query.getall("ports", ())) if protocol == V4 else []
    await socket.prepare(http)
    if protocol == V4:
        await _serve_v4(socket, ports, connect)
    else:
        await _serve_spdy(spdy.Connection(_reader_of(socket), socket.send_bytes), connect)
    await socket.close()
    return socket


async def _serve_spdy(connection: spdy.Connection, connect: Connect) -> None:
    """Every forwarded connection is a pair of streams, `error` and `data`, with the same request id."""
    pairs: dict[str, dict[str, spdy.Stream]] = {}
    running: set[asyncio.Task] = set()

    async def forward(error: spdy.Stream, data: spdy.Stream) -> None:
        try:
            port = int(data.headers.get("port", "0"))
            await _copy(await connect(port), data.read, data.write)
        except (ApiError, ConnectionError, ValueError) as failure:
            await error.write(str(failure).encode())
        finally:
            await data.close()
            await error.close()

    def accept(stream: spdy.Stream) -> None:
        request = stream.headers.get("requestid", "")
        pair = pairs.setdefault(request, {})
        pair[stream.headers.get("streamtype", "")] = stream
        if {"error", "data"} <= pair.keys():
            del pairs[request]
            running.add(task := asyncio.create_task(forward(pair["error"], pair["data"])))
            task.add_done_callback(_finished(running))

    try:
        await connection.serve(accept)
    finally:
        await _cancel(running)


async def _serve_v4(socket: web.WebSocketResponse, ports: list[int], connect: Connect) -> None:
    """Channel 2i carries the data of ports[i] and 2i+1 its errors; both begin with the port in two bytes, little-endian."""
    queues = [asyncio.Queue[bytes](16) for _ in ports]

    async def forward(index: int, port: int) -> None:
        data, error = bytes([2 * index]), bytes([2 * index + 1])
        for channel in (data, error):
            await socket.send_bytes(channel + port.to_bytes(2, "little"))
        try:
            await _copy(await connect(port), queues[index].get, lambda piece: socket.send_bytes(data + piece))
        except (ApiError, ConnectionError) as failure:
            await socket.send_bytes(error + str(failure).encode())

    async def listen() -> None:
        async for message in socket:
            piece = message.data.encode() if message.type == WSMsgType.TEXT else message.data
            if len(piece) > 1 and piece[0] % 2 == 0 and piece[0] // 2 < len(ports):
                await queues[piece[0] // 2].put(piece[1:])

    forwarding = [asyncio.create_task(forward(i, port)) for i, port in enumerate(ports)]
    listening = asyncio.create_task(listen())
    everything = asyncio.gather(*forwarding, return_exceptions=True)
    try:
        await asyncio.wait({everything, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel({*forwarding, listening})


async def _copy(pod: tuple, read: Callable[[], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]]) -> None:
    """Between a connection to the pod and the client, until the pod has closed its side, or a moment after the client has."""
    reader, writer = pod

    async def up() -> None:
        while data := await read():
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def down() -> None:
        while data := await reader.read(65536):
            await write(data)

    sending, receiving = asyncio.create_task(up()), asyncio.create_task(down())
    try:
        await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            await asyncio.wait({receiving}, timeout=HALF_CLOSED_SECONDS)
    finally:
        await _cancel({sending, receiving})
        writer.close()


async def _cancel(tasks: set[asyncio.Task]) -> None:
    tasks = set(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _finished(running: set[asyncio.Task]) -> Callable[[asyncio.Task], None]:
    def done(task: asyncio.Task) -> None:
        running.discard(task)
        if not task.cancelled():
            task.exception()

    return done


def _reader_of(socket: web.WebSocketResponse) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.BINARY:
                return b""
            if message.data:
                return message.data

    return read


def _ports(values: list[str]) -> list[int]:
    """(`portforward/websocket.go` NewV4Options)"""
    if not values:
        raise errors.bad_request('query parameter "port" is required')
    ports = []
    for value in values:
        for text in value.split(","):
            if not text:
                raise errors.bad_request('query parameter "port" cannot be empty')
            if not text.isdecimal() or int(text) > 65535:
                raise errors.bad_request(f'unable to parse "{value}" as a port: strconv.ParseUint: parsing "{text}": invalid syntax')
            if int(text) < 1:
                raise errors.bad_request(f'port "{value}" must be > 0')
            ports.append(int(text))
    return ports
