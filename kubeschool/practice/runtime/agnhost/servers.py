"""agnhost's small servers: serve-hostname, test-webserver, porter, liveness, no-snat-test and others, each after its directory in
`test/images/agnhost`."""
import asyncio
import math
import mimetypes
import posixpath
import secrets
from email.utils import formatdate
from urllib.parse import quote as url_quote

from ..http_server import Request, Response, listen
from ..process import SIGTERM
from .go import Run, format_duration, http_error, http_get, integer, not_found, redirect, routes, subcommand, to_json


@subcommand("serve-hostname", "Serves the hostname", tcp=False, udp=False, http=True, close=False, port=9376)
async def serve_hostname(run: Run) -> int:
    hostname, port = run.hostname.encode(), run["port"]
    if run["http"] and (run["tcp"] or run["udp"]):
        run.log("Can't server TCP/UDP mode and HTTP mode at the same time")
        return 1

    async def tcp(reader, writer) -> None:
        run.log("TCP request from {}:{}".format(*writer.get_extra_info("peername")))
        writer.write(hostname)

    def udp(data: bytes, source: tuple[str, int]) -> bytes:
        run.log("UDP request from {}:{}".format(*source))
        return hostname

    async def http(request: Request) -> Response:
        run.log("HTTP request from {}:{}".format(*request.client))
        return Response(body=hostname, headers=[("Connection", "close")] if run["close"] else [])

    if run["tcp"]:
        run.process.network.listen(port, tcp)
    if run["udp"]:
        run.process.network.bind(port, udp)
    if run["http"] and not run.serve(port, http):
        return 1
    run.log(f"Serving on port {port}.")
    ending = asyncio.Event()
    run.process.on_signal(SIGTERM, lambda n: ending.set())
    await ending.wait()
    run.log("Shutting down after receiving signal: terminated.")
    run.log("Awaiting pod deletion.")
    await run.process.sleep(60)
    return 0


@subcommand("test-webserver", "Starts a simple HTTP fileserver", port=80)
async def test_webserver(run: Run) -> int:
    async def handle(request: Request) -> Response:
        response = file_response(run.process.fs, "/", request)
        response.headers += [("Access-Control-Allow-Credentials", "true"), ("Access-Control-Allow-Origin", "*"),
                             ("Cache-Control", "private")]
        return response
    return await run.until_ended() if run.serve(run["port"], handle) else 1


def file_response(fs, root: str, request: Request) -> Response:
    """net/http's FileServer below `root`."""
    path = posixpath.normpath("/" + request.path)
    local = posixpath.join(root, path.lstrip("/"))
    if not fs.exists(local):
        return not_found()
    if fs.isdir(local):
        if not request.path.endswith("/"):
            return redirect(request, posixpath.basename(path) + "/", 301)
        index = posixpath.join(local, "index.html")
        if not fs.isfile(index):
            names = [name + "/" * fs.isdir(posixpath.join(local, name)) for name in fs.listdir(local)]
            listed = "".join(f'<a href="{url_quote(name)}">{name}</a>\n' for name in names)
            page = f'<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n{listed}</pre>\n'
            return Response(body=page, content_type="text/html; charset=utf-8")
        local = index
    try:
        data = fs.read(local)
    except PermissionError:
        return http_error("403 Forbidden", 403)
    kind = mimetypes.guess_type(local)[0] or "text/plain"
    modified = formatdate(fs.stat(local).mtime, usegmt=True)
    return Response(body=data, headers=[("Accept-Ranges", "bytes"), ("Last-Modified", modified)],
                    content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)


@subcommand("porter", "Serves requested data on ports specified in ENV variables", json_response=False)
async def porter(run: Run) -> int:
    for key, value in run.process.env.items():
        for prefix, serve in (("SERVE_PORT_", _porter_tcp), ("SERVE_TCP_PORT_", _porter_tcp), ("SERVE_UDP_PORT_", _porter_udp)):
            if key.startswith(prefix) and key[len(prefix):].isdigit():
                serve(run, int(key[len(prefix):]), value)
        if key.startswith(("SERVE_TLS_PORT_", "SERVE_SCTP_PORT_")):
            run.log(f"{key}: TLS and SCTP are not simulated in the practice cluster")
    return await run.until_ended()


def _porter_tcp(run: Run, port: int, value: str) -> None:
    async def handle(request: Request) -> Response:
        if run["json-response"]:
            return Response(body=to_json({"Method": request.method, "Body": value}), content_type="application/json")
        return Response(body=value)
    try:
        listen(run.process, port, handle)
    except OSError:
        run.log(f'server on port "{port}" failed: listen tcp 0.0.0.0:{port}: bind: address already in use')


def _porter_udp(run: Run, port: int, value: str) -> None:
    run.process.network.bind(port, lambda data, source: value.encode())
    run.log(f"Started UDP server on port {port}")


@subcommand("liveness", "Starts a server that is alive for 10 seconds")
async def liveness(run: Run) -> int:
    def parameters(request: Request) -> tuple[int, int, int]:
        """(code, seconds, kilobytes)."""
        found = []
        for name, default in (("code", 500), ("time", 0), ("size", 0)):
            try:
                found.append(integer(request.query.get(name, ""), default))
            except ValueError as problem:
                raise ValueError(f"parameter '{name}' is invalid: {problem}") from None
        return tuple(found)

    async def healthz(request: Request) -> Response:
        age = run.age
        return Response(500, f"error: {age:.9f}".rstrip("0")) if age > 10 else Response(body="ok")

    async def started(request: Request) -> Response:
        return Response(body=format_duration(run.age))

    async def to_location(request: Request) -> Response:
        return redirect(request, request.query.get("loc", ""))

    async def slowly(request: Request) -> Response:
        try:
            code, seconds, size = parameters(request)
        except ValueError as problem:
            return http_error(str(problem), 400)
        await run.clock.sleep(seconds)
        body = secrets.token_hex(512 * size).encode()
        return Response(code, body if request.path == "/slow-response" else f"Slept for {seconds} secs\n".encode() + body)

    async def disconnect(request: Request) -> None:
        return None

    async def missing(request: Request) -> Response:
        return not_found()
    handler = routes({"/healthz": healthz, "/started": started, "/redirect": to_location, "/sleep-headers": slowly, "/sleep-body": slowly,
                      "/slow-response": slowly, "/disconnect-headers": disconnect, "/disconnect-body": disconnect, "/": missing})
    return await run.until_ended() if run.serve(8080, handler) else 1


@subcommand("fake-gitserver", "Fakes a git server")
async def fake_gitserver(run: Run) -> int:
    async def handle(request: Request) -> Response:
        return Response(body="I am a fake git server")
    return await run.until_ended() if run.serve(8000, handle) else 1


@subcommand("no-snat-test", "Creates the /checknosnat and /whoami endpoints", port="8080")
async def no_snat_test(run: Run) -> int:
    own = run.process.env.get("POD_IP", "")
    if not own or not run.process.env.get("NODE_IP"):
        run.log("env variables POD_IP and NODE_IP must be valid IP addresses")
        return 1

    async def whoami(request: Request) -> Response:
        return Response(body=request.client[0])

    async def check(request: Request) -> Response:
        for ip in request.query.get("ips", "").split(","):
            try:
                answer = await http_get(run.process, f"http://{ip}/whoami")
            except OSError as problem:
                return http_error(str(problem), 500)
            if answer != own:
                return http_error(f"Bad answer: {answer}", 500)
        return Response()
    return await run.until_ended() if run.serve(int(run["port"]), routes({"/whoami": whoami, "/checknosnat": check})) else 1


@subcommand("no-snat-test-proxy", "Creates a proxy for the /checknosnat endpoint", port="31235")
async def no_snat_test_proxy(run: Run) -> int:
    async def check(request: Request) -> Response:
        target, ips = request.query.get("target", ""), request.query.get("ips", "")
        try:
            return Response(body=await http_get(run.process, f"http://{target}/checknosnat?ips={ips}"))
        except OSError as problem:
            return http_error(str(problem), 500)
    return await run.until_ended() if run.serve(int(run["port"]), routes({"/checknosnat": check})) else 1


@subcommand("port-forward-tester", "Creates a TCP server that sends chunks of data")
async def port_forward_tester(run: Run) -> int:
    env = run.process.env
    try:
        port, chunks, size = (int(env.get(name, "0")) for name in ("BIND_PORT", "CHUNKS", "CHUNK_SIZE"))
        interval, expected = int(env.get("CHUNK_INTERVAL", "0")), env.get("EXPECTED_CLIENT_DATA", "")
    except ValueError as problem:
        run.out(f"Error parsing environment: {problem}\n")
        return 1

    async def serve(reader, writer) -> None:
        run.out("Accepted client connection\n")
        if expected:
            received = await reader.read(len(expected))
            if received.decode("utf-8", "replace") != expected:
                run.out(f'Expected "{expected}", got "{received.decode("utf-8", "replace")}"\n')
                run.exit(3)
                return
            run.out("Received expected client data\n")
        for _ in range(chunks):
            writer.write(b"x" * size)
            await writer.drain()
            await run.clock.sleep(interval / 1000)
        run.out("Shutting down connection\n")
        writer.write_eof()
        await reader.read()
        run.out("Done\n")
        run.exit(0)
    listener = run.process.network.listen(port, serve, {"localhost": "127.0.0.1"}.get(host := env.get("BIND_ADDRESS", "localhost"), host))
    try:
        return await run.until_ended()
    finally:
        listener.close()


@subcommand("tcp-reset", "Serves on a tcp port and RST connections received", port=8080)
async def tcp_reset(run: Run) -> int:
    async def serve(reader, writer) -> None:
        await reader.read(1)
        if not reader.at_eof():
            writer.abort()
    run.process.network.listen(run["port"], serve)
    run.log(f"TCP server listening on port {run['port']}")
    return await run.until_ended()


@subcommand("pause", "Pauses the execution")
async def pause(run: Run) -> int:
    run.out("Paused\n")
    got: list[int] = []
    for number in (2, SIGTERM):
        run.process.on_signal(number, got.append)
    while not got:
        await run.process.sleep(math.inf)
    return 1 if got[0] == 2 else 2
