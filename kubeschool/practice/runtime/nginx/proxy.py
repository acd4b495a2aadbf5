"""proxy_pass: a request handed on to another server (`src/http/modules/ngx_http_proxy_module.c`)."""
import asyncio
import errno
import re
from typing import TYPE_CHECKING

import h11

from ..sockets import NameNotFound
from .configuration import Upstream, host_port
from .request import Finished, Request, Response

if TYPE_CHECKING:
    from .server import Connection

HIDDEN = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "content-type", "x-accel-expires"}
NOT_SENT = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade", "expect", "te"}
LINUX = {errno.ECONNREFUSED: "111: Connection refused", errno.EHOSTUNREACH: "113: No route to host",
         errno.ENETUNREACH: "101: Network is unreachable"}


async def proxy(connection: "Connection", request: Request, url: str) -> Response:
    """Raises Finished(502) or Finished(504), after nginx's line in the error log."""
    from .server import duration
    scheme, _, rest = request.expand(url).partition("://")
    authority, path = re.match(r"([^/?]*)(.*)", rest, re.DOTALL).groups()
    if path and "$" not in url and not (request.location and request.location.regex):
        prefix = request.location.pattern if request.location and not request.location.named else ""
        target = path + request.uri[len(prefix):] + ("?" + request.args if request.args else "")
    elif path:
        target = path
    elif request.changed:
        target = request.uri + ("?" + request.args if request.args else "")
    else:
        target = request.target
    request.values |= {"proxy_host": authority, "proxy_port": str(host_port(authority, 80)[1])}
    upstream = connection.site.configuration.upstreams.get(authority) or await _resolve(connection, request, authority)
    start = next(upstream.turn)
    servers = [upstream.servers[(start + n) % len(upstream.servers)] for n in range(len(upstream.servers))] + upstream.backup
    connect_timeout = duration(request.scope.args("proxy_connect_timeout", "60s")[0])
    read_timeout = duration(request.scope.args("proxy_read_timeout", "60s")[0])
    status = 502
    for address in servers:
        shown = f"{scheme}://{address[0]}:{address[1]}{target}"
        request.values["upstream_addr"] = f"{address[0]}:{address[1]}"
        try:
            async with asyncio.timeout(connection.clock.real(connect_timeout)):
                reader, writer = await connection.worker.network.connect(*address)
        except TimeoutError:
            connection.error(request, "upstream timed out (110: Connection timed out) while connecting to upstream", upstream=shown)
            status = 504
            continue
        except OSError as problem:
            words = LINUX.get(problem.errno, f"{problem.errno}: {problem.strerror}")
            connection.error(request, f"connect() failed ({words}) while connecting to upstream", upstream=shown)
            status = 502
            continue
        try:
            async with asyncio.timeout(connection.clock.real(read_timeout)):
                return _redirected(connection, request, url, await _exchange(request, target, authority, reader, writer))
        except TimeoutError:
            connection.error(request, "upstream timed out (110: Connection timed out) while reading response header from upstream",
                             upstream=shown)
            status = 504
        except (ConnectionError, h11.ProtocolError):
            connection.error(request, "upstream prematurely closed connection while reading response header from upstream",
                             upstream=shown)
            status = 502
        finally:
            writer.close()
    if len(servers) > 1 or not servers:
        connection.error(request, "no live upstreams while connecting to upstream", upstream=f"{scheme}://{authority}{target}")
    raise Finished(status)


async def _resolve(connection: "Connection", request: Request, authority: str) -> Upstream:
    """A name that came out of variables needs the `resolver` directive, which knows no search domains."""
    host, port = host_port(authority, 80)
    if re.fullmatch(r"[\d.]+", host):
        return Upstream(authority, [(host, port)])
    servers = request.scope.args("resolver")
    if not servers:
        connection.error(request, f"no resolver defined to resolve {host}")
        raise Finished(502)
    try:
        addresses = await connection.worker.network.query(host, server=host_port(servers[0], 53)[0])
    except NameNotFound:
        connection.error(request, f"{host} could not be resolved (3: Host not found)")
        raise Finished(502) from None
    except TimeoutError:
        connection.error(request, f"{host} could not be resolved (110: Operation timed out)")
        raise Finished(502) from None
    return Upstream(authority, [(address, port) for address in addresses])


async def _exchange(request: Request, target: str, authority: str, reader, writer) -> Response:
    headers = {"host": ("Host", authority), "connection": ("Connection", "close")}
    if request.body:
        headers["content-length"] = ("Content-Length", str(len(request.body)))
    headers |= {name.lower(): (name, value) for name, value in request.headers if name.lower() not in NOT_SENT}
    for directive in request.scope.all("proxy_set_header"):
        name, value = directive.args[0], request.expand(directive.args[1])
        headers.pop(name.lower(), None)
        if value and name.lower() not in ("upgrade", "connection"):
            headers[name.lower()] = name, value
    headers.setdefault("host", ("Host", authority))
    headers["connection"] = "Connection", "close"
    client = h11.Connection(h11.CLIENT)
    head = client.send(h11.Request(method=request.method, target=target, headers=list(headers.values())))
    version = request.scope.args("proxy_http_version", "1.0")[0].encode()
    writer.write(head.replace(b" HTTP/1.1\r\n", b" HTTP/" + version + b"\r\n", 1) +
                 (client.send(h11.Data(data=request.body)) if request.body else b"") + client.send(h11.EndOfMessage()))
    await writer.drain()
    response, body = None, bytearray()
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            break
    if response is None:
        raise ConnectionResetError(errno.ECONNRESET, "closed before a response")
    received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw_items()]
    kind = next((value for name, value in received if name.lower() == "content-type"), "")
    request.values["upstream_status"] = str(response.status_code)
    return Response(response.status_code, bytes(body), kind, [pair for pair in received if pair[0].lower() not in HIDDEN])


def _redirected(connection: "Connection", request: Request, url: str, response: Response) -> Response:
    """proxy_redirect's default: the upstream's URL in a Location becomes this location's."""
    location = request.location
    if location and not location.regex and not location.named and "$" not in url:
        url = url if url.partition("://")[2].count("/") else url + "/"
        for name, value in response.headers:
            if name.lower() == "location" and value.startswith(url):
                response.headers.remove((name, value))
                response.location = connection.absolute(request, location.pattern + value[len(url):])
                break
    return response
