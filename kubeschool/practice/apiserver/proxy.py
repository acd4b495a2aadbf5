"""`…/{pods,services}/NAME/proxy/PATH`: an HTTP request passed on into the cluster's network
(`k8s.io/apimachinery/pkg/util/proxy/{upgradeaware,transport}.go`; links inside HTML pages are not rewritten)."""
import random
from collections.abc import Awaitable, Callable

import h11
from aiohttp import web

from . import errors
from .request_info import RequestInfo

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect", "authorization"}

Connect = Callable[[str, int], Awaitable[tuple]]


async def handle(http: web.BaseRequest, info: RequestInfo, client, connect: Connect) -> web.StreamResponse:
    """`info.name` is `[SCHEME:]NAME[:PORT]`; `client` reads the objects it names; `connect(ip, port)` returns (reader, writer)."""
    parts = http.rel_url.raw_path.split("/")
    prefix, path = "/".join(parts[:8]), "/".join(parts[8:])
    if len(parts) == 8 and http.method in ("GET", "HEAD"):
        query = f"?{http.rel_url.raw_query_string}" if http.rel_url.raw_query_string else ""
        return web.Response(status=301, headers={"Location": f"{prefix}/{query}"})
    locate = pod_address if info.resource == "pods" else service_address
    ip, port = locate(client, info.namespace, info.name)
    try:
        reader, writer = await connect(ip, port)
    except OSError as error:
        why = "connect: connection refused" if isinstance(error, ConnectionRefusedError) else "connect: no route to host"
        why = "i/o timeout" if isinstance(error, TimeoutError) else why
        raise errors.service_unavailable(f"error trying to reach service: dial tcp {ip}:{port}: {why}") from error
    peer = h11.Connection(h11.CLIENT)
    try:
        answer = await _ask(http, prefix, f"/{path}", peer, reader, writer)
    except (OSError, EOFError, h11.ProtocolError) as error:
        writer.close()
        raise errors.service_unavailable(f"error trying to reach service: {error}") from error
    try:
        return await _answer(http, prefix, answer, peer, reader)
    except (OSError, EOFError, h11.ProtocolError) as error:
        raise ConnectionResetError(f"the answer of {ip}:{port} broke off: {error}") from error
    finally:
        writer.close()


def pod_address(client, namespace: str, name: str) -> tuple[str, int]:
    """(`pkg/registry/core/pod/strategy.go` ResourceLocation: without a port, the first that a container declares)"""
    name, port = _split(name, "pod")
    pod = client.get("pods", namespace, name)
    declared = [p["containerPort"] for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
    ip = pod.get("status", {}).get("podIP")
    if not ip:
        raise errors.bad_request("address not allowed")
    if port and not port.isdecimal():
        raise errors.bad_request(f'invalid pod request "{name}:{port}"')
    return ip, int(port) if port else declared[0] if declared else 80


def service_address(client, namespace: str, name: str) -> tuple[str, int]:
    """A ready endpoint of the service's port, given by number or name (`pkg/registry/core/service/storage/storage.go` ResourceLocation)."""
    requested = name
    name, port = _split(name, "service")
    service = client.get("services", namespace, name)
    if port.isdecimal():
        number = int(port)
        named = [p.get("name", "") for p in service["spec"].get("ports") or () if p["port"] == number]
        if not named:
            raise errors.service_unavailable(f'no service port {number} found for service "{name}"')
        port = named[0]
    slices = client.list("endpointslices.discovery.k8s.io", namespace, labels=f"kubernetes.io/service-name={name}")
    found = [
        (address, p["port"])
        for piece in slices
        for p in piece.get("ports") or ()
        if (p.get("name") or "") == port
        for endpoint in piece.get("endpoints") or ()
        if endpoint.get("conditions", {}).get("ready") is not False
        for address in endpoint["addresses"]
    ]
    if not found:
        raise errors.service_unavailable(f'no endpoints available for service "{requested}"')
    return random.choice(found)


def _split(name: str, kind: str) -> tuple[str, str]:
    """NAME and PORT of `NAME`, `NAME:PORT`, `SCHEME:NAME:PORT` (apimachinery `pkg/util/net/port_split.go`)."""
    parts = name.split(":")
    if len(parts) == 3 and parts[0] in ("http", "https", ""):
        parts = parts[1:]
    if len(parts) > 2 or not parts[0]:
        raise errors.bad_request(f'invalid {kind} request "{name}"')
    return parts[0], parts[1] if len(parts) == 2 else ""


async def _ask(http: web.BaseRequest, prefix: str, path: str, peer: h11.Connection, reader, writer) -> h11.Response:
    query = f"?{http.rel_url.raw_query_string}" if http.rel_url.raw_query_string else ""
    headers = [(k, v) for k, v in http.headers.items() if k.lower() not in HOP_BY_HOP and not k.lower().startswith("impersonate-")]
    forwarded = {"For": http.remote or "", "Host": http.host, "Proto": http.scheme, "Uri": prefix + path}
    headers += [(f"X-Forwarded-{name}", value) for name, value in forwarded.items()]
    if http.body_exists and http.content_length is None:
        headers.append(("Transfer-Encoding", "chunked"))
    writer.write(peer.send(h11.Request(method=http.method, target=path + query, headers=headers)))
    async for data in http.content.iter_any():
        writer.write(peer.send(h11.Data(data)))
        await writer.drain()
    writer.write(peer.send(h11.EndOfMessage()))
    await writer.drain()
    while not isinstance(event := await _next(peer, reader), h11.Response):
        if isinstance(event, h11.ConnectionClosed):
            raise EOFError("EOF")
    return event


async def _answer(http: web.BaseRequest, prefix: str, answer: h11.Response, peer: h11.Connection, reader) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status_code, reason=answer.reason.decode("latin-1"))
    for name, value in answer.headers:
        if name.decode() not in HOP_BY_HOP:
            response.headers.add(name.decode(), value.decode("latin-1"))
    if response.headers.get("Location", "").startswith("/"):
        response.headers["Location"] = prefix + response.headers["Location"]
    await response.prepare(http)
    while isinstance(event := await _next(peer, reader), h11.Data):
        await response.write(bytes(event.data))
    await response.write_eof()
    return response


async def _next(peer: h11.Connection, reader):
    while (event := peer.next_event()) is h11.NEED_DATA:
        peer.receive_data(await reader.read(65536))
    return event
