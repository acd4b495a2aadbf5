"""nginx's HTTP side: connections, virtual servers, locations, files, redirects, logs. Proxying is in proxy.py."""
import asyncio
import errno
import math
import posixpath
import re
import time
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import quote

import h11

from ..filesystem import Directory, FileSystem
from ..http_server import CPU_PER_REQUEST
from ..streams import Stream
from .configuration import LEVELS, VARIABLE, Configuration, Listen, Location, Server, compile_regex
from .request import MONTHS, REASONS, Finished, Request, Response, error_body, http_date

if TYPE_CHECKING:
    from ..process import Process
    from .main import Build

REDIRECTS = (301, 302, 303, 307, 308)
ADD_HEADER_STATUSES = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308}
REDIRECTION_LIMIT = 10


def log_time() -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())


class Site:
    """A loaded configuration at work: its logs, its counters, its requests in progress."""

    numbers = count(1)

    def __init__(self, master: "Process", build: "Build", configuration: Configuration):
        self.master, self.build, self.configuration = master, build, configuration
        self.streams: dict[str, Stream] = {}
        self.types: dict[int, dict[str, str]] = {}
        self.busy = self.accepted = self.requests = 0
        self.connections: set[Connection] = set()
        self.closing = False
        self.idle = asyncio.Event()

    # --- logs ---

    def open_logs(self) -> None:
        """Opens every log file of the configuration; raises OSError with its path."""
        self.close_logs()
        scopes = [self.configuration.main, self.configuration.http, *self.configuration.servers]
        paths = {directive.args[0] for scope in scopes for name in ("access_log", "error_log") for directive in scope.own(name)}
        paths |= {self.error_log()[0]}
        if not self.configuration.http.own("access_log"):
            paths.add("/var/log/nginx/access.log")
        for path in paths - {"off", "stderr"}:
            if "$" not in path and not path.startswith("syslog:"):
                self.streams[path] = self.master.fs.open(self._path(path), "a", 0o644)

    def close_logs(self) -> None:
        for stream in self.streams.values():
            stream.close()
        self.streams = {}

    @staticmethod
    def _path(path: str) -> str:
        return posixpath.join("/etc/nginx", path)

    def error_log(self, scope=None) -> list[str]:
        return (scope or self.configuration.main).args("error_log", "/var/log/nginx/error.log")

    def log(self, level: str, words: str, process: "Process | None" = None, scope=None) -> None:
        """One line in the error log, when the level is wanted there."""
        path, threshold = (*self.error_log(scope), "error")[:2]
        if LEVELS.index(level) >= LEVELS.index(threshold):
            pid = (process or self.master).pid
            stream = self.streams.get(path, self.master.fds.get(2))
            self._write(stream, f"{log_time()} [{level}] {pid}#{pid}: {words}\n")

    @staticmethod
    def _write(stream: Stream | None, line: str) -> None:
        try:
            if stream:
                stream.write(line.encode("utf-8", "surrogateescape"))
        except OSError:
            pass

    def access(self, request: Request) -> None:
        for directive in request.scope.all("access_log") or [None]:
            path, name = (*(directive.args if directive else ["/var/log/nginx/access.log"]), "combined")[:2]
            template = self.configuration.log_formats.get(name)
            if path != "off" and template:
                line = VARIABLE.sub(lambda found: escaped(request.variable(found[1] or found[2])), template)
                self._write(self.streams.get(path), line + "\n")

    # --- serving ---

    async def serve(self, pairs: list[tuple[Listen, Server]], worker: "Process", reader, writer) -> None:
        connection = Connection(self, pairs, worker, reader, writer)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            if self.closing and not self.connections:
                self.idle.set()

    async def drain(self) -> None:
        """Ends idle connections and waits until those in the middle of a request have ended."""
        self.closing = True
        for connection in list(self.connections):
            if not connection.active:
                connection.writer.close()
        if self.connections:
            await self.idle.wait()

    def mime_type(self, request: Request, path: str) -> str:
        scope = request.scope
        if id(scope) not in self.types:
            found = scope.all("types")
            self.types[id(scope)] = {ext: entry.name for block in found for entry in block.block or [] for ext in entry.args}
        return self.types[id(scope)].get(path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path else "",
                                         scope.args("default_type", "text/plain")[0])


def escaped(value: str) -> str:
    """As log_format's default escape; an empty value is `-`."""
    return re.sub(r'["\\\x00-\x1f\x7f-\xff]', lambda found: f"\\x{ord(found[0]):02X}", value) if value else "-"


class Connection:
    """One client connection, its requests one after the other."""

    def __init__(self, site: Site, pairs: list[tuple[Listen, Server]], worker: "Process", reader, writer):
        self.site, self.pairs, self.worker, self.reader, self.writer = site, pairs, worker, reader, writer
        self.fs: FileSystem = worker.fs
        self.client = writer.get_extra_info("peername")
        self.server_address = writer.get_extra_info("sockname")
        self.default_server = pairs[0][1]
        self.number = next(site.numbers)
        self.requests = 0
        self.active = False
        self.http = h11.Connection(h11.SERVER)
        site.accepted += 1

    @property
    def clock(self):
        return self.worker.clock

    async def _event(self):
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(65536))
        return event

    async def run(self) -> None:
        keepalive = duration(self.default_server.args("keepalive_timeout", "75")[0])
        while True:
            try:
                async with asyncio.timeout(self.clock.real(60 if self.requests == 0 else keepalive)):
                    event = await self._event()
                if not isinstance(event, h11.Request):
                    return
                self.active = True
                self.requests += 1
                self.site.requests += 1
                await self._answer(event)
            except TimeoutError:
                return
            except h11.RemoteProtocolError as problem:
                await self._refuse(494 if problem.error_status_hint == 431 else 400)
                return
            self.active = False
            if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE or self.site.closing:
                return
            self.http.start_next_cycle()

    async def _refuse(self, status: int) -> None:
        if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request = Request(self, "GET", "/", "1.1", [], b"")
            request.line = ""
            await self._send(request, self._error(request, status), close=True)

    async def _answer(self, event: h11.Request) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        target, version = event.target.decode("latin-1"), event.http_version.decode()
        if dict((name.lower(), value) for name, value in headers).get("expect", "").lower() == "100-continue":
            self.writer.write(self.http.send(h11.InformationalResponse(status_code=100, headers=[])))
        body = bytearray()
        while isinstance(part := await self._event(), h11.Data):
            body += part.data
        try:
            request = Request(self, event.method.decode(), target, version, headers, bytes(body))
        except Finished as finished:
            request = Request(self, event.method.decode(), "/", version, headers, b"")
            request.line = f"{event.method.decode()} {target} HTTP/{version}"
            await self._send(request, self._error(request, finished.status), close=True)
            return
        request.server = self._virtual_server(request.header("host"))
        self.worker.use_cpu(CPU_PER_REQUEST)
        try:
            response = await self._respond(request)
        except Finished:
            self.writer.close()
            request.status = 444
            self.site.access(request)
            return
        await self._send(request, response)

    def _virtual_server(self, host: str) -> Server:
        """server_name's order: exact, longest *.name, longest name.*, first regular expression, the default."""
        host = re.sub(r":\d*$", "", host).lower()
        best: tuple[int, int, Server] | None = None
        for _, server in self.pairs:
            for name in server.names:
                rank = 0
                if name == host or (name.startswith(".") and host == name[1:]):
                    rank = 4
                elif name.startswith(("*.", ".")) and host.endswith(name.lstrip("*")):
                    rank = 3
                elif name.endswith(".*") and host.startswith(name[:-1]):
                    rank = 2
                elif name.startswith("~") and re.search(name[1:], host):
                    rank = 1
                if rank and (best is None or (rank, len(name) if rank in (2, 3) else 0) > best[:2]):
                    best = rank, len(name) if rank in (2, 3) else 0, server
        return best[2] if best else self.default_server

    # --- the phases ---

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._process(request)
        except Finished as finished:
            if finished.status == 444:
                raise
            return await self._error_page(request, finished.status)

    async def _process(self, request: Request, named: str = "") -> Response:
        from .proxy import proxy
        if not named and (response := self._rewrite(request, request.server)):
            return response
        for _ in range(REDIRECTION_LIMIT):
            location = self._named(request, named) if named else find_location(request.server.locations, request)
            if not named and any(other.pattern == request.uri + "/" and other.own("proxy_pass") for other in request.server.locations):
                return self._redirect(request, 301, request.uri + "/" + ("?" + request.args if request.args else ""))
            named = ""
            request.location = location
            self._check_body(request)
            if location and location.own("internal") and not request.changed:
                raise Finished(404)
            uri = request.uri
            if location and (response := self._rewrite(request, location)):
                return response
            if request.uri != uri and not request.stays:
                continue
            self._access(request)
            if tried := request.scope.all("try_files"):
                status = self._try_files(request, tried[-1].args)
                if status == "again":
                    continue
                if status.startswith("@"):
                    named = status
                    continue
            if location and location.own("proxy_pass"):
                return await proxy(self, request, location.own("proxy_pass")[0].args[0])
            if location and location.own("stub_status"):
                return self._status()
            if response := self._content(request):
                return response
        self.error(request, "rewrite or internal redirection cycle while processing " + f'"{request.uri}"')
        raise Finished(500)

    def _check_body(self, request: Request) -> None:
        limit = size(request.scope.args("client_max_body_size", "1m")[0])
        if limit and len(request.body) > limit:
            self.error(request, f"client intended to send too large body: {len(request.body)} bytes")
            raise Finished(413)

    def _named(self, request: Request, name: str) -> Location:
        location = next((found for found in request.server.locations if found.pattern == name), None)
        if location is None:
            self.error(request, f'could not find named location "{name}"')
            raise Finished(500)
        return location

    def _rewrite(self, request: Request, scope: Server | Location, block=None) -> Response | None:
        """The rewrite module's directives, in order."""
        for directive in scope.block if block is None else block:
            if directive.name == "set":
                request.values[directive.args[0].lstrip("$")] = request.expand(directive.args[1])
            elif directive.name == "return":
                return self._return(request, directive.args)
            elif directive.name == "break":
                return None
            elif directive.name == "if" and self._condition(request, directive):
                if response := self._rewrite(request, scope, directive.block):
                    return response
            elif directive.name == "rewrite":
                pattern, target, flag = (*directive.args, "")[:3]
                if not request.match(compile_regex(pattern, directive), request.uri):
                    continue
                target = request.expand(target)
                if flag in ("redirect", "permanent") or target.startswith(("http://", "https://", "$scheme")):
                    if request.args and "?" not in target:
                        target += "?" + request.args
                    return self._redirect(request, 301 if flag == "permanent" else 302, target.removesuffix("?"))
                request.uri, _, arguments = target.partition("?")
                request.args = "&".join(part for part in (arguments, request.args) if part)
                request.changed = True
                request.stays = flag == "break"
                if flag:
                    return None
        return None

    def _condition(self, request: Request, directive) -> bool:
        words = " ".join(directive.args).strip()
        words = words[1:-1].strip() if words.startswith("(") else words
        left, operator, right = (*words.split(None, 2), "", "")[:3]
        if left.lstrip("!") in ("-f", "-d", "-e"):
            path = request.expand(operator)
            found = {"f": self.fs.isfile, "d": self.fs.isdir, "e": self.fs.exists}[left[-1]](path)
            return found != left.startswith("!")
        value, right = request.expand(left), right.strip("\"'")
        if not operator:
            return value not in ("", "0")
        if operator in ("=", "!="):
            return (value == request.expand(right)) == (operator == "=")
        found = request.match(compile_regex(right, directive, operator.endswith("*")), value)
        return found != operator.startswith("!")

    def _return(self, request: Request, args: list[str]) -> Response:
        if not args[0].isdigit():
            return self._redirect(request, 302, request.expand(args[0]))
        status = int(args[0])
        if status in REDIRECTS and len(args) > 1:
            return self._redirect(request, status, request.expand(args[1]))
        if len(args) == 1:
            if status >= 300 or status in (204, 444):
                if status == 204:
                    return Response(204)
                raise Finished(status)
            return Response(status)
        return Response(status, request.expand(args[1]).encode(), request.scope.args("default_type", "text/plain")[0])

    def _redirect(self, request: Request, status: int, target: str) -> Response:
        response = self._error(request, status)
        response.location = self.absolute(request, target)
        return response

    def absolute(self, request: Request, target: str) -> str:
        """A relative target with the request's host and the port listened on (absolute_redirect, port_in_redirect)."""
        if target.startswith("/") and request.scope.on("absolute_redirect", True):
            port = self.server_address[1]
            shown = f":{port}" if port != 80 and request.scope.on("port_in_redirect", True) else ""
            return f"http://{request.host}{shown}{target}"
        return target

    def _access(self, request: Request) -> None:
        rules = [rule for scope in _outwards(request.scope) for rule in scope.block if rule.name in ("allow", "deny")]
        for rule in rules:
            if rule.args[0] == "all" or _within(self.client[0], rule.args[0]):
                if rule.name == "deny":
                    self.error(request, "access forbidden by rule")
                    raise Finished(403)
                return

    def _try_files(self, request: Request, args: list[str]) -> str:
        """ "found", "again" after an internal redirect, or a named location."""
        for candidate in args[:-1]:
            folder = candidate.endswith("/")
            uri = request.expand(candidate)
            uri = uri[:-1] if folder else uri
            path = request.filename(uri)
            if self.fs.isdir(path) if folder else self.fs.isfile(path):
                request.uri = uri
                return "found"
        last = args[-1]
        if last.startswith("="):
            raise Finished(int(last[1:]))
        if last.startswith("@"):
            return last
        uri, _, arguments = request.expand(last).partition("?")
        if uri == request.uri and not self.fs.exists(request.filename(uri)):
            self.error(request, f'rewrite or internal redirection cycle while internally redirecting to "{uri}"')
            raise Finished(500)
        request.uri, request.args, request.changed = uri, arguments or request.args, True
        return "again"

    # --- content ---

    def _content(self, request: Request) -> Response | None:
        """A file, an index (None: redirected to it), or a listing."""
        path = request.filename()
        if request.uri.endswith("/"):
            return self._directory(request, path)
        try:
            node = self.fs.lookup(path)
            if isinstance(node, Directory):
                return self._redirect(request, 301, quote(request.uri) + "/" + ("?" + request.args if request.args else ""))
            if request.method not in ("GET", "HEAD"):
                raise Finished(405)
            data = self.fs.read(path)
        except OSError as problem:
            self.error(request, f'open() "{path}" failed ({problem.errno}: {problem.strerror})')
            raise Finished(403 if isinstance(problem, PermissionError) else 404) from None
        response = Response(200, data, self.site.mime_type(request, path), modified=math.floor(node.mtime))
        return self._conditional(request, response)

    def _directory(self, request: Request, path: str) -> Response | None:
        indexes = [name for directive in request.scope.all("index") for name in directive.args] or ["index.html"]
        for name in indexes:
            name = request.expand(name)
            if name.startswith("/"):
                request.uri, request.changed = name, True
                return None
            if self.fs.isfile(path + name):
                request.uri, request.changed = request.uri + name, True
                return None
        if request.method not in ("GET", "HEAD"):
            raise Finished(405)
        if not self.fs.isdir(path):
            self.error(request, f'"{path}{indexes[0]}" is not found ({errno.ENOENT}: No such file or directory)')
            raise Finished(404)
        if not request.scope.on("autoindex"):
            self.error(request, f'directory index of "{path}" is forbidden')
            raise Finished(403)
        return Response(200, self._listing(request.uri, path), "text/html")

    def _listing(self, uri: str, path: str) -> bytes:
        rows = []
        names = [name for name in self.fs.listdir(path) if not name.startswith(".")]
        for name in sorted(names, key=lambda name: (not self.fs.isdir(path + name), name)):
            info = self.fs.stat(path + name)
            folder = self.fs.isdir(path + name)
            shown = name + "/" if folder else name
            at = time.gmtime(info.mtime)
            date = f"{at.tm_mday:02}-{MONTHS[at.tm_mon - 1]}-{at.tm_year} {at.tm_hour:02}:{at.tm_min:02}"
            label = shown if len(shown) <= 50 else shown[:47] + "..>"
            rows.append(f'<a href="{quote(shown)}">{label}</a>{" " * (51 - len(label))}{date} {"-" if folder else info.size:>19}\r\n')
        return (f"<html>\r\n<head><title>Index of {uri}</title></head>\r\n<body>\r\n<h1>Index of {uri}</h1><hr><pre>"
                f'<a href="../">../</a>\r\n{"".join(rows)}</pre><hr></body>\r\n</html>\r\n').encode()

    def _conditional(self, request: Request, response: Response) -> Response:
        """ETag, Last-Modified, If-None-Match, If-Modified-Since (exact) and a single Range."""
        tag = f'"{int(response.modified):x}-{len(response.body):x}"' if request.scope.on("etag", True) else ""
        if tag:
            response.headers.append(("ETag", tag))
        matches = request.header("if-none-match")
        since = request.header("if-modified-since")
        if (matches and tag and (matches == "*" or tag in [one.strip().removeprefix("W/") for one in matches.split(",")])) or (
                not matches and since and since == http_date(response.modified)):
            response.status, response.body, response.content_type = 304, b"", ""
            return response
        response.headers.append(("Accept-Ranges", "bytes"))
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.header("range").strip())
        if found and (found[1] or found[2]):
            total = len(response.body)
            start, end = (max(0, total - int(found[2])), total) if not found[1] else (int(found[1]), min(total, int(found[2] or total) + 1))
            response.headers.pop()
            if start >= end:
                failed = self._error(request, 416)
                failed.headers.append(("Content-Range", f"bytes */{total}"))
                return failed
            response.status, response.body = 206, response.body[start:end]
            response.headers.append(("Content-Range", f"bytes {start}-{end - 1}/{total}"))
        return response

    def _status(self) -> Response:
        site = self.site
        active = len(site.connections)
        text = (f"Active connections: {active} \nserver accepts handled requests\n {site.accepted} {site.accepted} {site.requests} \n"
                f"Reading: 0 Writing: 1 Waiting: {active - 1} \n")
        return Response(200, text.encode(), "text/plain")

    # --- errors ---

    def error(self, request: Request, words: str, level: str = "error", upstream: str = "") -> None:
        words += f', client: {self.client[0]}, server: {request.server.name}, request: "{request.line}"'
        if upstream:
            words += f', upstream: "{upstream}"'
        if host := request.header("host"):
            words += f', host: "{host}"'
        if referrer := request.header("referer"):
            words += f', referrer: "{referrer}"'
        self.site.log(level, f"*{self.number} {words}", self.worker, request.scope)

    def _version(self, request: Request) -> str:
        return f"nginx/{self.site.build.version}" if request.scope.args("server_tokens", "on")[0] != "off" else "nginx"

    def _error(self, request: Request, status: int) -> Response:
        return Response(status, error_body(status, self._version(request)) if status not in (204, 304) else b"", "text/html")

    async def _error_page(self, request: Request, status: int) -> Response:
        for directive in request.scope.all("error_page"):
            *codes, target = directive.args
            override = codes.pop()[1:] if codes[-1].startswith("=") else None
            if str(status) not in codes:
                continue
            target = request.expand(target)
            if target.startswith(("http://", "https://")):
                return self._redirect(request, int(override) if override and int(override) in REDIRECTS else 302, target)
            request.changed = True
            if not target.startswith("@"):
                request.uri, request.method = target, "HEAD" if request.method == "HEAD" else "GET"
            try:
                response = await self._process(request, target if target.startswith("@") else "")
            except Finished as finished:
                return self._error(request, finished.status)
            if response.status in (200, 304) and override != "":
                response.status = int(override) if override else status
            return response
        return self._error(request, status)

    # --- sending ---

    async def _send(self, request: Request, response: Response, close: bool = False) -> None:
        status = 400 if response.status == 494 else response.status
        close = close or status in (400, 413, 414) or request.header("connection").lower() == "close" or (
            request.version == "1.0" and request.header("connection").lower() != "keep-alive") or self.site.closing
        headers = [("Server", self._version(request)), ("Date", http_date())]
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        if status not in (204, 304):
            headers.append(("Content-Length", str(len(response.body))))
        if response.modified is not None:
            headers.append(("Last-Modified", http_date(response.modified)))
        if response.location:
            headers.append(("Location", response.location))
        headers.append(("Connection", "close" if close else "keep-alive"))
        headers += [(name, value) for name, value in response.headers if name != "Accept-Ranges" or status == 200]
        for directive in request.scope.all("add_header"):
            name, value, *always = directive.args
            if (always or status in ADD_HEADER_STATUSES) and (value := request.expand(value)):
                headers.append((name, value))
        request.status = status
        head = request.method == "HEAD" or status in (204, 304)
        request.sent = 0 if head else len(response.body)
        try:
            data = self.http.send(h11.Response(status_code=status, headers=headers, reason=REASONS.get(status, "")))
            if not head:
                data += self.http.send(h11.Data(data=response.body))
            data += self.http.send(h11.EndOfMessage())
            self.writer.write(data)
            self.site.access(request)
            await self.writer.drain()
        except ConnectionError:
            self.writer.close()


def find_location(locations: list[Location], request: Request) -> Location | None:
    """Exact, then the longest prefix; a regular expression that matches beats a prefix without ^~ (ngx_http_core_find_location)."""
    uri, best = request.uri, None
    for location in locations:
        if location.modifier == "=" and location.pattern == uri:
            return location
        if location.modifier in ("", "^~") and not location.named and uri.startswith(location.pattern) and (
                best is None or len(location.pattern) > len(best.pattern)):
            best = location
    if best and best.locations and (inner := find_location(best.locations, request)):
        return inner
    if best is None or best.modifier != "^~":
        for location in locations:
            if location.regex and request.match(location.regex, uri):
                return location
    return best


def _outwards(scope):
    """The innermost block around `scope` that has access rules."""
    while scope and not any(rule.name in ("allow", "deny") for rule in scope.block):
        scope = scope.outer
    return [scope] if scope else []


def _within(ip: str, network: str) -> bool:
    import ipaddress
    try:
        return ipaddress.ip_address(ip) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def duration(text: str) -> float:
    """nginx's time: `65`, `65s`, `1m30s`, `500ms`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|[smhd]|)", text))


def size(text: str) -> int:
    """nginx's sizes: `1m`, `8k`, `0` (no limit)."""
    return int(text.rstrip("kKmMgG") or 0) * {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1:].lower(), 1)
