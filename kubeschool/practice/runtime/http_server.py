"""An HTTP/1.1 server over a container's simulated network, for the images that serve."""
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

import h11

from ..network.network import ANY, Address, Listener
from .process import SIGINT, SIGTERM

if TYPE_CHECKING:
    from .process import Process

CPU_PER_REQUEST = 0.002
"""Seconds of a core: far more than the real servers take, so that a load a lesson can make is one."""


@dataclass
class Request:
    """`headers` in order, with their names as they were sent; `target` as in the request line; `client` and `server` are (IP, port)."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes
    client: Address
    server: Address

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    @cached_property
    def query(self) -> dict[str, str]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in parse_qs(self.query_string, keep_blank_values=True).items()}

    def header(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    @cached_property
    def form(self) -> dict[str, str]:
        """The query's and a form body's parameters."""
        if self.header("content-type").startswith("application/x-www-form-urlencoded"):
            sent = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
            return self.query | {name: values[0] for name, values in sent.items()}
        return self.query


@dataclass
class Response:
    """Date, Content-Length and Content-Type come after `headers` unless they are among them. `reason` "" for the standard one;
    `version` "1.0" ends the connection."""

    status: int = 200
    body: bytes | str = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = "text/plain; charset=utf-8"
    reason: str = ""
    version: str = "1.1"


Handler = Callable[[Request], Awaitable[Response | None]]
"""None closes the connection without an answer."""


def listen(process: "Process", port: int, handler: Handler, host: str = ANY) -> Listener:
    """Serves until the process ends or the listener is closed. Raises OSError(EADDRINUSE)."""

    async def serve(reader: asyncio.StreamReader, writer) -> None:
        connection = h11.Connection(h11.SERVER)

        async def event():
            while (found := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            return found

        while True:
            try:
                head = await event()
                if not isinstance(head, h11.Request):
                    return
                body = bytearray()
                while isinstance(part := await event(), h11.Data):
                    body += part.data
            except h11.RemoteProtocolError:
                if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                    _send(connection, writer, "GET", Response(400, "400 Bad Request", [("Connection", "close")]))
                return
            method = head.method.decode()
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()]
            request = Request(method, head.target.decode("latin-1"), head.http_version.decode(), headers, bytes(body),
                              writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
            process.use_cpu(CPU_PER_REQUEST)
            response = await handler(request)
            if response is None:
                return
            _send(connection, writer, method, response)
            await writer.drain()
            if response.version == "1.0" or connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    return process.network.listen(port, serve, host)


async def serve(process: "Process", port: int, handler: Handler, exit_code: int = 2) -> int:
    """Serves until SIGTERM or SIGINT, then ends with `exit_code` (2: what a Go program without a handler does). Raises
    OSError(EADDRINUSE)."""
    listen(process, port, handler)
    ended = asyncio.Event()
    for number in (SIGTERM, SIGINT):
        process.on_signal(number, lambda n: ended.set())
    await ended.wait()
    return exit_code


def go_log(process: "Process", words: str) -> None:
    """Go's log.Print."""
    process.stderr.write(f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime())} {words}\n".encode())


def _send(connection: h11.Connection, writer, method: str, response: Response) -> None:
    body = response.body.encode() if isinstance(response.body, str) else response.body
    has_body = response.status >= 200 and response.status not in (204, 304)
    headers, names = list(response.headers), {name.lower() for name, _ in response.headers}
    defaults = [("Date", formatdate(usegmt=True)), ("Content-Length", str(len(body)) if has_body else ""),
                ("Content-Type", response.content_type if body and has_body else "")]
    headers += [(name, value) for name, value in defaults if value and name.lower() not in names]
    reason = response.reason or (HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else "")
    head = connection.send(h11.Response(status_code=response.status, headers=headers, reason=reason))
    if response.version != "1.1":
        head = head.replace(b"HTTP/1.1", f"HTTP/{response.version}".encode(), 1)
    writer.write(head)
    if body and has_body and method != "HEAD":
        writer.write(connection.send(h11.Data(data=body)))
    writer.write(connection.send(h11.EndOfMessage()))
