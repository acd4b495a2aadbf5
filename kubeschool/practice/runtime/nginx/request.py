"""One HTTP request inside nginx: its URI, its variables, and the response it gets."""
import re
import secrets
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from .configuration import VARIABLE, Location, Scope, Server

if TYPE_CHECKING:
    from .server import Connection

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently",
    302: "Moved Temporarily", 303: "See Other",
    304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
    401: "Authorization Required", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Not Allowed", 406: "Not Acceptable",
    408: "Request Time-out", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Request Entity Too Large", 414: "Request-URI Too Large", 415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable",
    421: "Misdirected Request", 429: "Too Many Requests", 494: "Request Header Or Cookie Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
    505: "HTTP Version Not Supported", 507: "Insufficient Storage",
}
"""nginx's own words (`src/http/ngx_http_header_filter_module.c`, `ngx_http_special_response.c`)."""


class Finished(Exception):
    """Ends processing with a status: an error, or nginx's 444 (close without an answer)."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    modified: float | None = None
    location: str = ""


def error_body(status: int, version: str) -> bytes:
    title = f"{status} {REASONS.get(status, '')}".strip()
    title = {302: "302 Found", 494: "400 Request Header Or Cookie Too Large"}.get(status, title)
    return (f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
            f"<hr><center>{version}</center>\r\n</body>\r\n</html>\r\n").encode()


class Request:
    """`uri` is decoded and normalised, `target` as it was sent. `captures` are the last regular expression's."""

    def __init__(self, connection: "Connection", method: str, target: str, version: str, headers: list[tuple[str, str]], body: bytes):
        self.connection, self.method, self.target, self.version = connection, method, target, version
        self.line = f"{method} {target} HTTP/{version}"
        self.headers, self.body = headers, body
        self.started = time.time()
        self.server: Server = connection.default_server
        self.location: Location | None = None
        path, _, self.args = target.partition("?")
        if "://" in path:
            path = "/" + path.partition("://")[2].partition("/")[2]
        self.uri = normalise(path)
        self.captures: list[str] = []
        self.values: dict[str, str] = {}
        self.status = 0
        self.sent = 0
        self.changed = False
        """Whether the URI is no longer the one that was sent."""
        self.stays = False
        """Whether the rewritten URI is served by the same location (`rewrite … break`)."""

    @property
    def scope(self) -> Scope:
        return self.location or self.server

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def host(self) -> str:
        """The Host header without its port, else the server's name."""
        return re.sub(r":\d*$", "", self.header("host")).lower() or self.server.name

    def expand(self, text: str) -> str:
        """Text with its variables replaced."""
        return VARIABLE.sub(lambda found: self.variable(found[1] or found[2]), text) if "$" in text else text

    def match(self, regex: re.Pattern, text: str) -> bool:
        found = regex.search(text)
        if found:
            self.captures = [found[0], *(group or "" for group in found.groups())]
            self.values |= {name: value or "" for name, value in found.groupdict().items()}
        return found is not None

    def root(self) -> str:
        return self.expand(self.scope.args("root", "/etc/nginx/html")[0])

    def filename(self, uri: str | None = None) -> str:
        """Where a URI is in the file system, by root or alias."""
        uri = self.uri if uri is None else uri
        location = self.location
        if location and (alias := location.own("alias")):
            path = self.expand(alias[0].args[0])
            return path if location.regex else path + uri[len(location.pattern):]
        return self.root().rstrip("/") + uri

    def variable(self, name: str) -> str:
        if name in self.values:
            return self.values[name]
        if name.isdigit():
            return self.captures[int(name)] if int(name) < len(self.captures) else ""
        if compute := COMPUTED.get(name):
            return str(compute(self))
        prefix, _, rest = name.partition("_")
        if prefix == "http":
            return self.header(rest.replace("_", "-"))
        if prefix == "arg":
            return next((value for key, _, value in (pair.partition("=") for pair in self.args.split("&")) if key == rest), "")
        if prefix == "cookie":
            cookies = (pair.strip().partition("=") for pair in self.header("cookie").split(";"))
            return next((value for key, _, value in cookies if key == rest), "")
        return ""


def normalise(path: str) -> str:
    """Decodes %XX, merges slashes, resolves `.` and `..`; raises Finished(400) for a path above the root."""
    if re.search(r"%(?![0-9a-fA-F]{2})", path):
        raise Finished(400)
    text = unquote_to_bytes(path).decode("utf-8", "surrogateescape")
    if not text.startswith("/") or "\0" in text:
        raise Finished(400)
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise Finished(400)
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    directory = text.endswith(("/", "/.", "/.."))
    return "/" + "/".join(parts) + ("/" if directory and parts else "")


def http_date(at: float | None = None) -> str:
    return formatdate(at, usegmt=True)


def forwarded_for(request: Request) -> str:
    before = request.header("x-forwarded-for")
    return f"{before}, {request.connection.client[0]}" if before else request.connection.client[0]


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local_time() -> str:
    now = time.gmtime()
    return f"{now.tm_mday:02}/{MONTHS[now.tm_mon - 1]}/{now.tm_year}:{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02} +0000"


COMPUTED = {
    "args": lambda r: r.args, "query_string": lambda r: r.args, "is_args": lambda r: "?" if r.args else "",
    "body_bytes_sent": lambda r: r.sent, "bytes_sent": lambda r: r.sent, "connection": lambda r: r.connection.number,
    "connection_requests": lambda r: r.connection.requests, "content_length": lambda r: r.header("content-length"),
    "content_type": lambda r: r.header("content-type"), "document_root": lambda r: r.root(), "realpath_root": lambda r: r.root(),
    "document_uri": lambda r: r.uri, "uri": lambda r: r.uri, "host": lambda r: r.host,
    "hostname": lambda r: r.connection.worker.env.get("HOSTNAME", ""), "https": lambda r: "", "msec": lambda r: f"{time.time():.3f}",
    "nginx_version": lambda r: r.connection.site.build.version, "pid": lambda r: r.connection.worker.pid, "pipe": lambda r: ".",
    "proxy_add_x_forwarded_for": forwarded_for, "remote_addr": lambda r: r.connection.client[0],
    "remote_port": lambda r: r.connection.client[1], "remote_user": lambda r: "", "request": lambda r: r.line,
    "request_body": lambda r: r.body.decode("latin-1"), "request_completion": lambda r: "OK",
    "request_id": lambda r: r.values.setdefault("request_id", secrets.token_hex(16)), "request_filename": lambda r: r.filename(),
    "request_length": lambda r: len(r.line) + 2 + sum(len(k) + len(v) + 4 for k, v in r.headers) + 2 + len(r.body),
    "request_method": lambda r: r.method, "request_time": lambda r: f"{time.time() - r.started:.3f}", "request_uri": lambda r: r.target,
    "scheme": lambda r: "http", "server_addr": lambda r: r.connection.server_address[0], "server_name": lambda r: r.server.name,
    "server_port": lambda r: r.connection.server_address[1], "server_protocol": lambda r: f"HTTP/{r.version}",
    "status": lambda r: f"{r.status:03}", "time_local": lambda r: local_time(),
    "time_iso8601": lambda r: time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
}
