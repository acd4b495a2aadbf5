"""An HTTP/1.1 client over the simulated network, for wget and curl."""
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Address:
    """A parsed http URL; `target` is what stands in the request line."""
    scheme: str
    host: str
    port: int
    target: str
    user: str = ""

    @property
    def authority(self) -> str:
        return self.host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{self.host}:{self.port}"


def parse_url(url: str) -> Address:
    """`host/path` means http. Raises ValueError for a bad port or scheme."""
    if "://" not in url:
        url = "http://" + url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(parts.scheme)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user = parts.netloc.rpartition("@")[0]
    return Address(parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), target.replace(" ", "%20"),
                   user)


@dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list[tuple[str, str]]
    body: AsyncIterator[bytes]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


async def exchange(reader: asyncio.StreamReader, writer, method: str, address: Address, headers: list[tuple[str, str]],
                   body: bytes = b"") -> Response:
    """Sends a request and reads the response's head; its body is read by iterating. Raises h11.RemoteProtocolError, ConnectionError."""
    import h11
    connection = h11.Connection(h11.CLIENT)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers = [("Host", address.authority), *headers]
    if body and "content-length" not in names:
        headers = [*headers, ("Content-Length", str(len(body)))]
    request = h11.Request(method=method, target=address.target, headers=[(name, value) for name, value in headers])
    writer.write(connection.send(request))
    if body:
        writer.write(connection.send(h11.Data(data=body)))
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()

    async def event():
        while True:
            found = connection.next_event()
            if found is not h11.NEED_DATA:
                return found
            connection.receive_data(await reader.read(65536))

    head = await event()
    while isinstance(head, h11.InformationalResponse):
        head = await event()
    if isinstance(head, h11.ConnectionClosed):
        raise ConnectionResetError("empty reply")

    async def data() -> AsyncIterator[bytes]:
        while isinstance(found := await event(), h11.Data):
            yield bytes(found.data)

    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()]
    return Response(head.status_code, head.reason.decode("latin-1"), head.http_version.decode(), headers, data())
