"""exec and attach: a process' streams over a WebSocket (v5 and v4) or over SPDY
(`k8s.io/cri-streaming/pkg/streaming/remotecommand`, `k8s.io/apimachinery/pkg/util/remotecommand/constants.go`)."""
import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import orjson
from aiohttp import WSMsgType, web

from . import errors, spdy
from .errors import ApiError

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
MESSAGE_LIMIT = 32 * 1024 * 1024
PING_SECONDS = 5
STREAM_TIMEOUT = 30
"""Seconds in which a SPDY client must have opened its streams."""
SUCCESS = {"metadata": {}, "status": "Success"}

Send = Callable[[int, bytes], Awaitable[None]]


async def serve(http: web.BaseRequest, subresource: str, pod: dict, container: str, kubelet) -> web.StreamResponse:
    """Errors of the kubelet before the upgrade are its own plain text; a runtime's failure to start the command (reason
    InternalError) reaches the client as the final status."""
    query, upgrade = http.query, http.headers.get("Upgrade", "").lower()
    wanted = {name: query.get(name, "").lower() in ("true", "1") for name in ("stdin", "stdout", "stderr", "tty")}
    if upgrade not in ("websocket", "spdy/3.1"):
        raise errors.bad_request("Upgrade request required")
    if not (wanted["stdin"] or wanted["stdout"] or wanted["stderr"]):
        raise errors.bad_request("you must specify at least 1 of stdin, stdout, stderr")
    if wanted["tty"]:
        wanted["stderr"] = False
    socket = web.WebSocketResponse(protocols=PROTOCOLS, compress=False, max_msg_size=MESSAGE_LIMIT)
    if upgrade == "websocket" and not socket.can_prepare(http).protocol:
        raise errors.bad_request(f"websocket server can't negotiate a subprotocol: want one of {', '.join(PROTOCOLS)}")
    command = query.getall("command", [])
    target = pod["metadata"]["namespace"], pod["metadata"]["name"], container
    session, failure = None, None
    try:
        session = await (kubelet.exec(*target, command, **wanted) if subresource == "exec" else kubelet.attach(*target, **wanted))
    except ApiError as error:
        if error.reason != "InternalError":
            return web.Response(status=error.code, text=error.message)
        failure = error.status
    try:
        if upgrade == "websocket":
            return await _over_websocket(http, socket, session, failure, command, wanted)
        return await _over_spdy(http, session, failure, command, wanted)
    finally:
        if session:
            session.close()


async def _over_websocket(
    http: web.BaseRequest, socket: web.WebSocketResponse, session, failure: dict | None, command: list[str], wanted: dict
) -> web.WebSocketResponse:
    await socket.prepare(http)

    async def send(channel: int, data: bytes) -> None:
        await socket.send_bytes(bytes([channel]) + data)

    async def listen() -> None:
        async for message in socket:
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT) or not message.data:
                continue
            data = message.data.encode() if message.type == WSMsgType.TEXT else message.data
            channel, data = data[0], data[1:]
            if channel == STDIN and data:
                await _type_in(session, data, socket)
            elif channel == RESIZE:
                _resize(session, data)
            elif channel == CLOSE and data[:1] == bytes([STDIN]):
                session.close_stdin()

    try:
        await send(STDOUT if wanted["stdout"] else STDERR if wanted["stderr"] else ERROR, b"")
        status = failure or await _bridge(session, listen(), send, command)
        if status:
            await send(ERROR, orjson.dumps(status))
            await socket.close()
    except ConnectionError:
        pass
    return socket


async def _over_spdy(http: web.BaseRequest, session, failure: dict | None, command: list[str], wanted: dict) -> web.StreamResponse:
    offered = [p.strip() for value in http.headers.getall("X-Stream-Protocol-Version", ()) for p in value.split(",")]
    protocol = next((p for p in PROTOCOLS if p in offered), None)
    if not protocol:
        raise ApiError(403, "Forbidden", f"unable to negotiate protocol: client supports {offered}, server accepts {list(PROTOCOLS)}")
    transport = spdy.Upgrade(http, {"Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol})
    connection, streams, opened = spdy.Connection(transport.read, transport.write), {}, asyncio.Event()
    expected = {"error"} | {name for name in ("stdin", "stdout", "stderr") if wanted[name]} | ({"resize"} if wanted["tty"] else set())

    def accept(stream: spdy.Stream) -> None:
        streams[stream.headers.get("streamtype", "")] = stream
        if expected <= streams.keys():
            opened.set()

    async def send(channel: int, data: bytes) -> None:
        await streams["stdout" if channel == STDOUT else "stderr"].write(data)

    async def type_in() -> None:
        while data := await streams["stdin"].read():
            await _type_in(session, data)
        session.close_stdin()

    async def resize() -> None:
        while data := await streams["resize"].read():
            _resize(session, data)

    reading = asyncio.create_task(connection.serve(accept))
    tasks = [reading]
    try:
        async with asyncio.timeout(STREAM_TIMEOUT):
            await opened.wait()
        if session:
            tasks += [asyncio.create_task(pump()) for name, pump in (("stdin", type_in), ("resize", resize)) if name in expected]
        status = failure or await _bridge(session, asyncio.wait({reading}), send, command)
        if status:
            await streams["error"].write(orjson.dumps(status))
            for stream in streams.values():
                await stream.close()
    except (ConnectionError, TimeoutError):
        pass
    finally:
        for task in tasks:
            task.cancel()
        transport.end()
    return transport


async def _bridge(session, listen: Coroutine, send: Send, command: list[str]) -> dict | None:
    """Moves bytes until the process has ended and its output is sent: the final Status; None when `listen` ended first, the client being
    gone."""

    async def show() -> int:
        async for name, data in session.output():
            await send(STDOUT if name == "stdout" else STDERR, data)
        return await session.wait()

    listening, showing = asyncio.create_task(listen), asyncio.create_task(show())
    try:
        await asyncio.wait({listening, showing}, return_when=asyncio.FIRST_COMPLETED)
        if not showing.done():
            return None
        code = showing.result()
    finally:
        listening.cancel()
        showing.cancel()
    return _exit_status(command, code) if code and command else SUCCESS


def _exit_status(command: list[str], code: int) -> dict:
    """(`remotecommand/exec.go` ServeExec; containerd `internal/cri/server/streaming.go` for the text of the exit error)"""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: error executing command [{' '.join(command)}], exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


async def _type_in(session, data: bytes, socket: web.WebSocketResponse | None = None) -> None:
    """Waits while the process does not read; pings meanwhile, since a client that has gone shows only when something is sent to it."""
    writing = asyncio.ensure_future(session.write_stdin(data))
    try:
        while not (await asyncio.wait({writing}, timeout=PING_SECONDS))[0]:
            if socket:
                await socket.ping()
        writing.result()
    except BrokenPipeError:
        pass
    finally:
        writing.cancel()


def _resize(session, data: bytes) -> None:
    try:
        size = orjson.loads(data)
        session.resize(int(size["Height"]), int(size["Width"]))
    except (ValueError, KeyError, TypeError):
        pass
