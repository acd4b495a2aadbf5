"""nginx's configuration: read from a container's files, checked with nginx's own words, ready to serve from.

Tokens and the table of directives (where each may stand, how many arguments) are crossplane's. Its parser reads the host's files, so
the blocks and includes are put together here. Messages: `src/core/ngx_conf_file.c`, `src/http/ngx_http_core_module.c`.
"""
import fnmatch
import io
import ipaddress
import posixpath
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from crossplane.analyzer import analyze, enter_block_ctx
from crossplane.errors import NgxParserDirectiveError
from crossplane.lexer import _lex_file_object

from ..filesystem import FileSystem

Resolve = Callable[[str], Awaitable[list[str]]]

ONCE = {"events", "http", "user", "worker_processes", "pid", "worker_connections", "root", "alias", "default_type", "try_files",
        "proxy_pass", "autoindex", "internal", "keepalive_timeout", "client_max_body_size", "sendfile", "server_tokens",
        "proxy_connect_timeout",
        "proxy_read_timeout", "absolute_redirect", "port_in_redirect", "etag", "stub_status", "log_not_found"}
LISTEN_FLAGS = {"default_server", "default", "ssl", "http2", "quic", "proxy_protocol", "deferred", "bind", "reuseport"}
LISTEN_VALUES = ("backlog=", "rcvbuf=", "sndbuf=", "setfib=", "fastopen=", "accept_filter=", "ipv6only=", "so_keepalive=", "multipath")
VARIABLES = {
    "args", "arg_", "binary_remote_addr", "body_bytes_sent", "bytes_sent", "connection", "connection_requests", "connection_time",
    "content_length", "content_type", "document_root", "document_uri", "host", "hostname", "http_", "https", "is_args", "limit_rate",
    "msec", "nginx_version", "pid", "pipe", "proxy_add_x_forwarded_for", "proxy_host", "proxy_port", "proxy_protocol_addr", "query_string",
    "realpath_root", "remote_addr", "remote_port", "remote_user", "request", "request_body", "request_completion", "request_filename",
    "request_id", "request_length", "request_method", "request_time", "request_uri", "scheme", "server_addr", "server_name", "server_port",
    "server_protocol", "status", "time_iso8601", "time_local", "upstream_addr", "upstream_bytes_received", "upstream_cache_status",
    "upstream_connect_time", "upstream_header_time", "upstream_response_length", "upstream_response_time", "upstream_status", "uri",
}
PREFIXES = ("arg_", "http_", "cookie_", "sent_http_", "upstream_http_", "ssl_")
WITH_VARIABLES = {"return", "root", "alias", "try_files", "add_header", "proxy_pass", "proxy_set_header", "access_log", "rewrite",
                  "log_format", "index", "set", "error_page", "if", "map"}
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
TIME, SIZE = r"(\d+(ms|[smhdwMy])?\s*)+", r"\d+[kKmMgG]?"
VALUES = {"worker_processes": (r"auto|[1-9]\d*", "value"), "worker_connections": (r"\d+", "number"), "keepalive_timeout": (TIME, "value"),
          "client_max_body_size": (SIZE, "value"), "proxy_connect_timeout": (TIME, "value"), "proxy_read_timeout": (TIME, "value")}
LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
ESCAPE, ESCAPES = re.compile(r"""\\(["'\\trn])"""), {"t": "\t", "r": "\r", "n": "\n"}
COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'


class ConfigurationError(Exception):
    """The message is what follows `[emerg] ` in nginx's own."""


@dataclass(slots=True)
class Directive:
    name: str
    args: list[str]
    file: str
    line: int
    block: "list[Directive] | None" = None

    def wrong(self, words: str) -> ConfigurationError:
        return ConfigurationError(f"{words} in {self.file}:{self.line}")


class Scope:
    """A block and the blocks around it, for directives that are inherited."""

    def __init__(self, block: list[Directive], outer: "Scope | None" = None):
        self.block, self.outer = block, outer

    def own(self, name: str) -> list[Directive]:
        return [directive for directive in self.block if directive.name == name]

    def all(self, name: str) -> list[Directive]:
        """A directive that may be repeated: the innermost block that has any."""
        return self.own(name) or (self.outer.all(name) if self.outer else [])

    def args(self, name: str, *default: str) -> list[str]:
        found = self.all(name)
        return found[-1].args if found else list(default)

    def on(self, name: str, default: bool = False) -> bool:
        return self.args(name, "on" if default else "off")[0] == "on"


class Location(Scope):
    def __init__(self, directive: Directive, outer: Scope):
        super().__init__(directive.block or [], outer)
        *modifier, self.pattern = directive.args
        self.modifier = modifier[0] if modifier else ""
        if not modifier and self.pattern.startswith(("~", "=", "^~")):
            self.modifier = next(sign for sign in ("~*", "~", "=", "^~") if self.pattern.startswith(sign))
            self.pattern = self.pattern[len(self.modifier):]
        if self.modifier not in ("", "=", "~", "~*", "^~"):
            raise directive.wrong(f'invalid location modifier "{self.modifier}"')
        self.regex = compile_regex(self.pattern, directive, self.modifier == "~*") if self.modifier in ("~", "~*") else None
        self.locations = _locations(self)

    @property
    def named(self) -> bool:
        return self.pattern.startswith("@")


class Server(Scope):
    def __init__(self, directive: Directive, outer: Scope):
        super().__init__(directive.block or [], outer)
        self.directive = directive
        self.names = [name for found in self.own("server_name") for name in found.args] or [""]
        self.listens: list[Listen] = []
        self.locations = _locations(self)

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(slots=True)
class Listen:
    address: str
    port: int
    default: bool
    directive: Directive

    @property
    def text(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(slots=True)
class Upstream:
    name: str
    servers: list[tuple[str, int]] = field(default_factory=list)
    backup: list[tuple[str, int]] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=count)


class Configuration:
    """`servers` in order; `upstreams` by name, those that proxy_pass names with a host included."""

    def __init__(self, main: Scope):
        self.main = main
        self.http = Scope([], main)
        self.servers: list[Server] = []
        self.upstreams: dict[str, Upstream] = {}
        self.log_formats = {"combined": COMBINED}
        self.warnings: list[str] = []
        self.files: list[str] = []
        """The files it was read from, in order."""

    def addresses(self) -> dict[tuple[str, int], list[tuple[Listen, Server]]]:
        """What is listened on, and the virtual servers there, the default one first."""
        found: dict[tuple[str, int], list[tuple[Listen, Server]]] = {}
        for server in self.servers:
            for listen in server.listens:
                found.setdefault((listen.address, listen.port), []).append((listen, server))
        return {address: sorted(pairs, key=lambda pair: not pair[0].default) for address, pairs in found.items()}


async def load(fs: FileSystem, path: str, resolve: Resolve, globals_text: str = "") -> Configuration:
    """Reads, checks and builds the configuration; `globals_text` is the -g option's. Raises ConfigurationError."""
    reader = _Reader(fs)
    block = reader.parse(globals_text, "command line", ()) if globals_text else []
    block += reader.parse_file(path, ())
    _check(block)
    configuration = Configuration(Scope(block))
    configuration.files = reader.files
    if not configuration.main.own("events"):
        raise ConfigurationError('no "events" section in configuration')
    for http in configuration.main.own("http"):
        await _load_http(configuration, http, resolve)
    return configuration


# --- syntax ---

class _Reader:
    def __init__(self, fs: FileSystem):
        self.fs = fs
        self.files: list[str] = []

    def parse_file(self, path: str, context: tuple[str, ...], at: Directive | None = None) -> list[Directive]:
        try:
            text = self.fs.read(path).decode(errors="replace")
        except OSError as problem:
            words = f'open() "{path}" failed ({problem.errno}: {problem.strerror})'
            raise (at.wrong(words) if at else ConfigurationError(words)) from None
        if path not in self.files:
            self.files.append(path)
        return self.parse(text, path, context)

    def parse(self, text: str, path: str, context: tuple[str, ...]) -> list[Directive]:
        return self._block(iter(_tokens(text)), path, context, text.count("\n") + 1, top=True)

    def _block(self, tokens: Iterator, path: str, context: tuple[str, ...], last_line: int, top: bool = False) -> list[Directive]:
        block: list[Directive] = []
        words: list[str] = []
        for token, line, quoted in tokens:
            if token.startswith("#") and not quoted:
                continue
            if quoted or token not in ("{", "}", ";"):
                words.append(ESCAPE.sub(lambda found: ESCAPES.get(found[1], found[1]), token))
            elif token == "}" and not words and not top:
                return block
            elif token == "}" or not words:
                raise ConfigurationError(f'unexpected "{token}" in {path}:{line}')
            else:
                directive = Directive(words[0], words[1:], path, line)
                words = []
                _analyze(directive, token, context)
                if token == "{":
                    inner = enter_block_ctx({"directive": directive.name, "args": directive.args}, context)
                    directive.block = self._block(tokens, path, inner, last_line)
                block += self._included(directive, context) if directive.name == "include" else [directive]
        if words:
            raise ConfigurationError(f'unexpected end of file, expecting ";" or "}}" in {path}:{last_line}')
        if not top:
            raise ConfigurationError(f'unexpected end of file, expecting "}}" in {path}:{last_line}')
        return block

    def _included(self, directive: Directive, context: tuple[str, ...]) -> list[Directive]:
        pattern = posixpath.join("/etc/nginx", directive.args[0])
        paths = _glob(self.fs, pattern) if re.search(r"[*?\[]", pattern) else [pattern]
        return [found for path in paths for found in self.parse_file(path, context, directive)]


@lru_cache(maxsize=16)
def _tokens(text: str) -> tuple[tuple[str, int, bool], ...]:
    return tuple(_lex_file_object(io.StringIO(text + "\n")))


def _analyze(directive: Directive, terminator: str, context: tuple[str, ...]) -> None:
    if context and context[-1] in ("types", "map", "geo", "split_clients", "match"):
        return
    statement = {"directive": directive.name, "args": list(directive.args), "line": directive.line}
    if directive.name == "if":
        statement["args"] = [arg for arg in (word.strip("()") for word in directive.args) if arg]
    try:
        analyze(directive.file, statement, terminator, context, strict=True)
    except NgxParserDirectiveError as problem:
        raise directive.wrong(problem.strerror) from None


def _glob(fs: FileSystem, pattern: str) -> list[str]:
    paths = ["/"]
    for part in pattern.strip("/").split("/"):
        found = []
        for path in paths:
            if not re.search(r"[*?\[]", part):
                names = [part] if fs.exists(posixpath.join(path, part)) else []
            else:
                names = fs.listdir(path) if fs.isdir(path) else []
                names = [name for name in names if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))]
            found += [posixpath.join(path, name) for name in names]
        paths = found
    return paths


def compile_regex(pattern: str, directive: Directive, ignore_case: bool = False) -> re.Pattern:
    pattern = re.sub(r"\(\?<(?=[a-zA-Z])", "(?P<", pattern)
    try:
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except re.error as problem:
        unclosed = {"missing ), unterminated subpattern": "missing closing parenthesis",
                    "unterminated character set": "missing terminating ] for character class"}.get(problem.msg)
        if unclosed:
            raise directive.wrong(f'pcre2_compile() failed: {unclosed} in "{pattern}"') from None
        words = {"nothing to repeat": "quantifier does not follow a repeatable item",
                 "multiple repeat": "quantifier does not follow a repeatable item",
                 "unbalanced parenthesis": "unmatched closing parenthesis"}.get(problem.msg, problem.msg)
        raise directive.wrong(f'pcre2_compile() failed: {words} in "{pattern}" at "{pattern[problem.pos or 0:]}"') from None


# --- meaning ---

def _check(block: list[Directive]) -> None:
    """What can be said of each block alone: directives given twice, unknown variables, impossible values."""
    defined = {name for directive in _every(block) for name in _defined(directive)}
    for scope in [block, *(directive.block for directive in _every(block) if directive.block and directive.name != "types")]:
        seen: set[str] = set()
        for directive in scope:
            if directive.name in ONCE and directive.name in seen:
                raise directive.wrong(f'"{directive.name}" directive is duplicate')
            if directive.name in ("root", "alias") and (other := {"root", "alias"} - {directive.name}) & seen:
                raise directive.wrong(f'"{directive.name}" directive is duplicate, "{other.pop()}" directive was specified earlier')
            seen.add(directive.name)
            pattern, kind = VALUES.get(directive.name, ("", ""))
            if pattern and not all(re.fullmatch(pattern, arg) for arg in directive.args):
                raise directive.wrong(f'"{directive.name}" directive invalid {kind}')
            if directive.name == "error_log" and len(directive.args) > 1 and directive.args[1] not in LEVELS:
                raise directive.wrong(f'invalid log level "{directive.args[1]}"')
            if directive.name in ("allow", "deny") and directive.args[0] not in ("all", "unix:") and not _is_network(directive.args[0]):
                raise directive.wrong(f'invalid parameter "{directive.args[0]}"')
            if directive.name == "error_page":
                for code in directive.args[:-1]:
                    if not code.lstrip("=").isdigit() and code != "=":
                        raise directive.wrong(f'invalid value "{code}"')
                    if code.isdigit() and not 300 <= int(code) <= 599:
                        raise directive.wrong(f'value "{code}" must be between 300 and 599')
            if directive.name in WITH_VARIABLES:
                args = directive.args[:1] if directive.name == "map" else directive.args
                for name in (a or b for arg in args for a, b in VARIABLE.findall(arg)):
                    if not (name in VARIABLES or name in defined or name.isdigit() or name.startswith(PREFIXES)):
                        raise ConfigurationError(f'unknown "{name}" variable')


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _every(block: list[Directive]) -> Iterator[Directive]:
    for directive in block:
        yield directive
        if directive.block and directive.name != "types":
            yield from _every(directive.block)


def _defined(directive: Directive) -> list[str]:
    """Variables a directive defines."""
    if directive.name == "set":
        return [directive.args[0].lstrip("$")]
    if directive.name in ("map", "geo", "split_clients"):
        return [directive.args[-1].lstrip("$")]
    if directive.name in ("location", "server_name", "if", "rewrite"):
        return re.findall(r"\(\?P?<(\w+)>", " ".join(directive.args))
    return []


async def _load_http(configuration: Configuration, directive: Directive, resolve: Resolve) -> None:
    http = configuration.http = Scope(directive.block or [], configuration.main)
    for definition in http.own("log_format"):
        name, *parts = definition.args
        if name in configuration.log_formats:
            raise definition.wrong(f'duplicate "log_format" name "{name}"')
        configuration.log_formats[name] = "".join(part for part in parts if not part.startswith("escape="))
    for found in http.own("upstream"):
        await _load_upstream(configuration, found, resolve)
    for found in http.own("server"):
        server = Server(found, http)
        for listen in server.own("listen"):
            server.listens.append(await _listen(listen, resolve))
        server.listens = server.listens or [Listen("0.0.0.0", 80, False, found)]
        configuration.servers.append(server)
    _check_listens(configuration)
    for found in _every(directive.block or []):
        log_format = found.args[1] if found.name == "access_log" and len(found.args) > 1 else "combined"
        if "=" not in log_format and log_format not in configuration.log_formats:
            raise found.wrong(f'unknown log format "{log_format}"')
        if found.name == "return" and (len(found.args) == 2 or found.args[0].isdigit()) and not re.fullmatch(r"\d{1,3}", found.args[0]):
            raise found.wrong(f'invalid return code "{found.args[0]}"')
        if found.name == "return" and len(found.args) == 1 and not found.args[0].isdigit() and not re.match(r"https?://|\$", found.args[0]):
            raise found.wrong(f'invalid return code "{found.args[0]}"')
        if found.name == "proxy_pass":
            await _proxy_pass(configuration, found, resolve)
        if found.name == "rewrite":
            compile_regex(found.args[0], found)
            if len(found.args) > 2 and found.args[2] not in ("last", "break", "redirect", "permanent"):
                raise found.wrong(f'invalid parameter "{found.args[2]}"')


def _locations(scope: Scope) -> list[Location]:
    locations: list[Location] = []
    for directive in scope.own("location"):
        location = Location(directive, scope)
        if isinstance(scope, Location):
            _check_nested(directive, location, scope)
        if location.regex or location.named:
            for proxied in location.own("proxy_pass"):
                if "$" not in proxied.args[0] and "/" in proxied.args[0].partition("://")[2]:
                    raise proxied.wrong('"proxy_pass" cannot have URI part in location given by regular expression, or inside named '
                                        'location, or inside "if" statement, or inside "limit_except" block')
        if any((other.modifier in ("=",), other.pattern, other.regex) == (location.modifier in ("=",), location.pattern, location.regex)
               for other in locations if not location.regex):
            raise directive.wrong(f'duplicate location "{location.pattern}"')
        locations.append(location)
    return locations


def _check_nested(directive: Directive, inner: Location, outer: Location) -> None:
    if outer.modifier == "=" or outer.named:
        kind = "named" if outer.named else "exact"
        raise directive.wrong(f'location "{inner.pattern}" cannot be inside the {kind} location "{outer.pattern}"')
    if inner.named:
        raise directive.wrong(f'named location "{inner.pattern}" can be on the server level only')
    if not inner.regex and not outer.regex and not inner.pattern.startswith(outer.pattern):
        raise directive.wrong(f'location "{inner.pattern}" is outside location "{outer.pattern}"')


async def _listen(directive: Directive, resolve: Resolve) -> Listen:
    text, *parameters = directive.args
    for parameter in parameters:
        if parameter not in LISTEN_FLAGS and not parameter.startswith(LISTEN_VALUES):
            raise directive.wrong(f'invalid parameter "{parameter}"')
    if "ssl" in parameters or "quic" in parameters:
        raise directive.wrong("the practice cluster's nginx speaks no TLS: remove \"ssl\" from the \"listen\" directive")
    default = "default_server" in parameters or "default" in parameters
    if text.isdigit():
        host, port = "*", text
    elif text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed:
            raise directive.wrong(f'invalid host in "{text}" of the "listen" directive')
        port = port.lstrip(":") or "80"
    else:
        host, _, port = text.partition(":")
        port = port or "80"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise directive.wrong(f'invalid port in "{text}" of the "listen" directive')
    if host in ("*", "0.0.0.0"):
        host = "0.0.0.0"
    elif ":" not in host:
        try:
            host = (await resolve(host))[0]
        except OSError:
            raise directive.wrong(f'host not found in "{text}" of the "listen" directive') from None
    return Listen(host, int(port), default, directive)


def _check_listens(configuration: Configuration) -> None:
    for pairs in configuration.addresses().values():
        defaults = [listen for listen, _ in pairs if listen.default]
        if len(defaults) > 1:
            raise defaults[1].directive.wrong(f"a duplicate default server for {defaults[1].text}")
        names: set[str] = set()
        servers: set[int] = set()
        for listen, server in sorted(pairs, key=lambda pair: configuration.servers.index(pair[1])):
            if id(server) in servers:
                raise listen.directive.wrong(f"a duplicate listen {listen.text}")
            servers.add(id(server))
            for name in server.names:
                if name in names:
                    configuration.warnings.append(f'conflicting server name "{name}" on {listen.text}, ignored')
                names.add(name)


async def _load_upstream(configuration: Configuration, directive: Directive, resolve: Resolve) -> None:
    upstream = Upstream(directive.args[0])
    if upstream.name in configuration.upstreams:
        raise directive.wrong(f'duplicate upstream "{upstream.name}"')
    for server in directive.block or []:
        if server.name == "server" and "down" not in server.args:
            host, port = host_port(server.args[0], 80)
            addresses = await _resolve(host, server.args[0], server, resolve)
            (upstream.backup if "backup" in server.args else upstream.servers).extend((address, port) for address in addresses)
    if not upstream.servers and not any(server.name == "server" for server in directive.block or []):
        raise directive.wrong("no servers are inside upstream")
    configuration.upstreams[upstream.name] = upstream


async def _proxy_pass(configuration: Configuration, directive: Directive, resolve: Resolve) -> None:
    url = directive.args[0]
    if "$" in url:
        return
    if not url.startswith(("http://", "https://")):
        raise directive.wrong("invalid URL prefix")
    authority = re.split(r"[/?]", url.partition("://")[2])[0]
    if not authority:
        raise directive.wrong(f'no host in upstream "{url.partition("://")[2]}"')
    host, port = host_port(authority, 443 if url.startswith("https:") else 80)
    if authority not in configuration.upstreams:
        addresses = await _resolve(host, host, directive, resolve)
        configuration.upstreams[authority] = Upstream(authority, [(address, port) for address in addresses])


async def _resolve(host: str, text: str, directive: Directive, resolve: Resolve) -> list[str]:
    try:
        return await resolve(host)
    except socket.gaierror:
        raise directive.wrong(f'host not found in upstream "{text}"') from None


def host_port(text: str, default: int) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port) if port.isdigit() else default
