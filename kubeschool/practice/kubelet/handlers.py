"""What probes and lifecycle hooks do: run a command in a container, ask by HTTP, open a TCP connection
(`pkg/probe/{exec,http,tcp}`, `pkg/kubelet/lifecycle/handlers.go`)."""
import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urljoin, urlsplit

import h11

from ..runtime.streams import Sink

Connect = Callable[[str, int], Awaitable[tuple]]
"""connect(host, port) -> (reader, writer), from the node into the pods' network."""

MAX_OUTPUT = 10 * 1024
MAX_REDIRECTS = 10


async def run_command(container, command: list[str]) -> tuple[int, bytes]:
    """(exit code, the first 10 kB of its output). Killed when cancelled. Raises the runtime's ExecError."""
    output = bytearray()

    def keep(data: bytes) -> None:
        output.extend(data[: MAX_OUTPUT - len(output)])

    process = await container.exec(command, None, Sink(keep), Sink(keep))
    try:
        return await process.wait(), bytes(output)
    except asyncio.CancelledError:
        process.signal(9, outside=True)
        raise


def port_number(port: int | str, container: dict) -> int:
    """A probe's port, which may be the name of a container port (`pkg/probe/util.go` ResolveContainerPort). Raises LookupError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for declared in container.get("ports", ()):
        if declared.get("name") == port:
            return declared["containerPort"]
    raise LookupError(f'strconv.Atoi: parsing "{port}": invalid syntax')


def url_of(action: dict, host: str, container: dict) -> str:
    """The URL of an httpGet action against a pod's address."""
    scheme, path = action.get("scheme", "HTTP").lower(), action.get("path", "/")
    return f"{scheme}://{action.get('host') or host}:{port_number(action['port'], container)}/{path.removeprefix('/')}"


async def http_get(connect: Connect, url: str, headers: list[dict]) -> tuple[int, str]:
    """(status, where a redirect to another host leads or ""). Redirects on the same host are followed.

    Raises OSError, or ConnectionError with Go's words for a server that does not speak HTTP.
    """
    host = urlsplit(url).hostname
    for _ in range(MAX_REDIRECTS):
        status, location = await _request(connect, url, headers)
        if not (300 <= status < 400 and location):
            return status, ""
        url = urljoin(url, location)
        if urlsplit(url).hostname != host:
            return status, url
    raise ConnectionError(f"stopped after {MAX_REDIRECTS} redirects")


async def _request(connect: Connect, url: str, headers: list[dict]) -> tuple[int, str]:
    parts = urlsplit(url)
    reader, writer = await connect(parts.hostname, parts.port or 80)
    try:
        if parts.scheme == "https":
            raise ConnectionError("http: server gave HTTP response to HTTPS client")
        given = {header["name"].lower(): header["value"] for header in headers}
        sent = {"host": parts.netloc, "user-agent": "kube-probe/1.37", "accept": "*/*", **given, "connection": "close"}
        http = h11.Connection(h11.CLIENT)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        writer.write(http.send(h11.Request(method="GET", target=target, headers=list(sent.items()))) + http.send(h11.EndOfMessage()))
        while (event := http.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(65536))
        if not isinstance(event, h11.Response):
            raise ConnectionError("EOF")
        location = next((value.decode() for name, value in event.headers if name == b"location"), "")
        return event.status_code, location
    except h11.RemoteProtocolError:
        raise ConnectionError("EOF") from None
    finally:
        writer.close()


async def open_tcp(connect: Connect, host: str, port: int) -> None:
    """Raises OSError."""
    _, writer = await connect(host, port)
    writer.close()


def dial_error(error: OSError, host: str, port: int) -> str:
    """A failed connection in Go's words."""
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    if isinstance(error, ConnectionResetError):
        return f"read tcp {host}:{port}: read: connection reset by peer"
    if isinstance(error, TimeoutError):
        return f"dial tcp {host}:{port}: i/o timeout"
    if error.strerror:
        return f"dial tcp {host}:{port}: connect: {error.strerror.lower()}"
    return str(error)
