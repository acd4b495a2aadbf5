"""agnhost netexec (`test/images/agnhost/netexec/netexec.go`). Its SCTP and TLS servers are not simulated."""
import asyncio
import secrets
import time
from email import message_from_bytes

from ..http_server import Request, Response, listen
from ..process import SIGTERM
from ..streams import Pipe
from .go import (
    Run,
    collect,
    format_duration,
    http_error,
    http_get,
    integer,
    parse_duration,
    quote,
    redirect,
    routes,
    subcommand,
    to_json,
)

SIGNAL_WORDS = {1: "hangup", 2: "interrupt", 6: "aborted", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 15: "terminated"}


@subcommand("netexec", "Creates HTTP(S), UDP, and (optionally) SCTP servers with various endpoints", http_port=8080, udp_port=8081,
            sctp_port=-1, tls_cert_file="", tls_private_key_file="", http_override="", udp_listen_addresses="", http_listen_addresses="",
            delay_shutdown=0)
async def netexec(run: Run) -> int:
    if run["tls-cert-file"]:
        run.log("TLS is not simulated in the practice cluster; leave out --tls-cert-file")
        return 1
    if run["delay-shutdown"]:
        run.process.on_signal(SIGTERM, lambda n: asyncio.ensure_future(_terminate_later(run)))
    server = NetExec(run)
    if run["udp-port"] != -1:
        for address in run["udp-listen-addresses"].split(",") if run["udp-listen-addresses"] else [""]:
            run.process.network.bind(run["udp-port"], server.datagram, address or "0.0.0.0")
            run.log(f"Started UDP server on port {address} {run['udp-port']}")
            server.ready = True
    run.log(f"Started HTTP server on port {run['http-port']}")
    try:
        for address in run["http-listen-addresses"].split(",") if run["http-listen-addresses"] else ["0.0.0.0"]:
            listen(run.process, run["http-port"], server.overridden if run["http-override"] else server.handle, address)
    except OSError:
        run.log(f"listen tcp :{run['http-port']}: bind: address already in use")
        return 1
    return await run.until_ended()


async def _terminate_later(run: Run) -> None:
    run.log(f"Sleeping {run['delay-shutdown']} seconds before terminating...")
    await run.clock.sleep(run["delay-shutdown"])
    run.exit(0)


class NetExec:
    def __init__(self, run: Run):
        self.run, self.log, self.ready = run, run.log, False
        self.handle = routes({
            "/": self.root, "/clientip": self.client_ip, "/serverport": self.server_port, "/dial": self.dial, "/echo": self.echo,
            "/exit": self.exit, "/healthz": self.healthz, "/hostname": self.hostname, "/hostName": self.hostname, "/header": self.header,
            "/redirect": self.redirect, "/shell": self.shell, "/shutdown": self.shutdown, "/upload": self.upload,
        })

    async def overridden(self, request: Request) -> Response | None:
        request.target, request.method = self.run["http-override"], "GET"
        return await self.handle(request)

    async def root(self, request: Request) -> Response:
        self.log("GET /")
        now = time.time()
        stamp = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1e9):09} +0000 UTC"
        return Response(body=f"NOW: {stamp} m=+{self.run.age:.9f}")

    async def client_ip(self, request: Request) -> Response:
        self.log("GET /clientip")
        return Response(body="{}:{}".format(*request.client))

    async def server_port(self, request: Request) -> Response:
        self.log("GET /serverport")
        return Response(body=str(request.server[1]))

    async def hostname(self, request: Request) -> Response:
        self.log(f"GET {request.path}")
        return Response(body=self.run.hostname)

    async def header(self, request: Request) -> Response:
        name = request.form.get("key", "")
        self.log(f"GET /header?key={name}")
        return Response(body=request.header(name))

    async def healthz(self, request: Request) -> Response:
        self.log("GET /healthz")
        return Response(200 if self.ready else 412)

    async def echo(self, request: Request) -> Response:
        text, code = request.form.get("msg", ""), request.form.get("code", "")
        self.log(f"GET /echo?msg={text}&code={code}")
        try:
            return Response(integer(code, 200), text)
        except ValueError:
            return Response(body=f"argument 'code' must be an integer or empty, got {quote(code)}\n")

    async def exit(self, request: Request) -> Response | None:
        given = {name: request.form.get(name, "") for name in ("code", "timeout", "wait")}
        self.log("GET /exit?code={code}&timeout={timeout}&wait={wait}".format(**given))
        seconds = {}
        for name in ("timeout", "wait"):
            try:
                seconds[name] = parse_duration(given[name]) if given[name] else 0.0
            except ValueError:
                return Response(body=f"argument '{name}' must be a valid golang duration or empty, got {quote(given[name])}\n")
        try:
            code = integer(given["code"])
        except ValueError:
            return Response(body=f"argument 'code' must be an integer [0-127] or empty, got {quote(given['code'])}\n")
        wait, timeout = (format_duration(seconds[name]) for name in ("wait", "timeout"))
        self.log(f"Will begin shutdown in {wait}, allowing {timeout} for connections to close, then will exit with {code}")
        await self.run.clock.sleep(seconds["wait"])
        if not seconds["timeout"]:
            self.run.exit(code)
            return None
        asyncio.get_running_loop().call_soon(self._close, code)
        return Response()

    def _close(self, code: int) -> None:
        self.log("Graceful shutdown completed with: <nil>")
        self.run.exit(code)

    async def shutdown(self, request: Request) -> None:
        self.log("GET /shutdown")
        self.run.exit(0)

    async def redirect(self, request: Request) -> Response:
        location, code = request.form.get("location", ""), request.form.get("code", "")
        self.log(f"{request.method} /redirect?msg={location}&code={code}")
        try:
            return redirect(request, location, integer(code, 302))
        except ValueError:
            return Response(body=f"argument 'code' must be an integer or empty, got {quote(code)}\n")

    async def shell(self, request: Request) -> Response:
        command = request.form.get("shellCommand") or request.form.get("cmd", "")
        self.log(f"GET /shell?cmd={command}")
        pipe = Pipe()
        child = self.run.process.spawn(["/bin/sh", "-c", command], stdout=pipe, stderr=pipe.writer.dup())
        output = {"output": text} if (text := await collect(pipe)) else {}
        await child.wait()
        if child.killed_by:
            output["error"] = f"signal: {SIGNAL_WORDS.get(child.killed_by, child.killed_by)}"
        elif child.exit_code:
            output["error"] = f"exit status {child.exit_code}"
        self.log("Output: map[" + " ".join(f"{key}:{value}" for key, value in sorted(output.items())) + "]")
        return Response(body=to_json(output))

    async def upload(self, request: Request) -> Response:
        self.log("GET /upload")
        form = message_from_bytes(f"Content-Type: {request.header('content-type')}\r\n\r\n".encode() + request.body)
        parts = form.get_payload() if form.is_multipart() else []
        part = next((p for p in parts if p.get_param("name", header="content-disposition") == "file"), None)
        if part is None:
            self.log("Unable to upload file: request Content-Type isn't multipart/form-data")
            return Response(body=to_json({"error": "Unable to upload file."}))
        path = f"/uploads/upload{secrets.randbelow(10**9)}"
        self.run.process.fs.write(path, part.get_payload(decode=True), 0o700)
        self.log(f"Wrote upload to {path}")
        return Response(201, to_json({"output": path}))

    async def dial(self, request: Request) -> Response:
        given = {name: request.query.get(name, "") for name in ("host", "protocol", "port", "request", "tries")}
        self.log("GET /dial?host={host}&protocol={protocol}&port={port}&request={request}&tries={tries}".format(**given))
        try:
            tries = integer(given["tries"], 1)
        except ValueError as problem:
            return http_error(f"tries parameter is invalid. {problem}", 400)
        if not given["request"]:
            return http_error("request parameter not specified. <nil>", 400)
        protocol = given["protocol"].lower()
        if protocol not in ("", "http", "udp"):
            return http_error(f"unsupported protocol. {given['protocol']}", 400)
        try:
            ip = (await self.run.process.network.resolve(given["host"]))[0]
            port = integer(given["port"])
        except (OSError, ValueError) as problem:
            words = f"lookup {given['host']}: no such host" if isinstance(problem, OSError) else str(problem)
            return http_error(f"host and/or port param are invalid. {words}", 400)
        responses, errors, last = [], [], ""
        for _ in range(tries):
            try:
                last = await (self._ask(ip, port, given["request"]) if protocol == "udp" else
                              http_get(self.run.process, f"http://{ip}:{port}/{given['request']}"))
                responses.append(last)
            except OSError as problem:
                errors.append(str(problem))
                last = ""
        return Response(body=to_json(({"errors": errors} if errors else {}) | ({"responses": responses} if last else {})))

    async def _ask(self, ip: str, port: int, words: str) -> str:
        where = f"read udp {self.run.process.network.ip}->{ip}:{port}"
        try:
            answer = await self.run.process.network.ask(ip, port, words.encode())
        except ConnectionRefusedError:
            raise OSError(f"reading from udp connection failed. err:'{where}: read: connection refused'") from None
        if answer is None:
            await self.run.clock.sleep(5)
            raise OSError(f"reading from udp connection failed. err:'{where}: i/o timeout'")
        return answer.decode("utf-8", "replace")

    def datagram(self, data: bytes, source: tuple[str, int]) -> bytes | None:
        text, client = data.decode("utf-8", "replace").strip().lower(), "{}:{}".format(*source)
        if text == "hostname":
            self.log("Sending udp hostName response")
            return self.run.hostname.encode()
        if text.startswith("echo "):
            self.log(f"Echoing {text[5:]} to UDP client {client}")
            return text[5:].encode()
        if text == "clientip":
            self.log(f"Sending clientip back to UDP client {client}")
            return client.encode()
        if text:
            self.log(f"Unknown UDP command received from {client}: {text}")
        return None
