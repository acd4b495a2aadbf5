"""What agnhost's subcommands share because they are Go programs: flags (pflag), log lines, JSON, durations, HTTP errors."""
import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from ..http_server import Handler, Request, Response, go_log, listen
from ..process import SIGHUP, SIGINT, SIGTERM, Process
from ..shell.commands._http import exchange, parse_url
from ..streams import Stream

KLOG = {"v", "vmodule", "logtostderr", "alsologtostderr", "stderrthreshold", "log-file", "log-dir", "log-file-max-size", "skip-headers",
        "skip-log-headers", "add-dir-header", "one-output", "log-backtrace-at"}
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
CLIENT_TIMEOUT = 5.0


class Duration(float):
    """The default of a flag that is a duration; seconds."""


class FlagError(Exception):
    pass


@dataclass(frozen=True)
class Subcommand:
    """`flags`: {name: default}, a default's type is the flag's; `short`: {letter: name}."""

    name: str
    words: str
    flags: dict[str, object]
    short: dict[str, str]
    run: Callable[["Run"], Awaitable[int | None]]


SUBCOMMANDS: dict[str, Subcommand] = {}


def subcommand(name: str, words: str, short: dict[str, str] | None = None, **flags):
    """Registers `async def run(run: Run) -> exit code`. `http_port=8080` declares --http-port."""
    def register(run):
        own = {flag.replace("_", "-") if not flag.endswith("_") else flag[:-1]: default for flag, default in flags.items()}
        SUBCOMMANDS[name] = Subcommand(name, words, own, short or {}, run)
        return run
    return register


class Run:
    """One run of a subcommand. `ended` is set with the exit code by whoever ends the program."""

    def __init__(self, process: Process, flags: dict[str, object], args: list[str]):
        self.process, self.flags, self.args = process, flags, args
        self.clock = process.clock
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.started = asyncio.get_running_loop().time()

    def __getitem__(self, flag: str):
        return self.flags[flag]

    @property
    def hostname(self) -> str:
        return self.process.fs.read("/etc/hostname").decode().strip()

    @property
    def age(self) -> float:
        """Cluster seconds since the start."""
        return (asyncio.get_running_loop().time() - self.started) * self.clock.speed

    def out(self, text: str) -> None:
        self.process.stdout.write(text.encode())

    def log(self, words: str) -> None:
        """Go's log.Print."""
        go_log(self.process, words)

    def klog(self, words: str, place: str, level: str = "I") -> None:
        now = time.time()
        stamp = f"{time.strftime('%m%d %H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1e6):06}"
        self.process.stderr.write(f"{level}{stamp} {self.process.pid:7} {place}] {words}\n".encode())

    def exit(self, code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(code)

    async def until_ended(self) -> int:
        """Go's default: SIGTERM, SIGINT and SIGHUP end the program with 2."""
        for number in (SIGTERM, SIGINT, SIGHUP):
            if number not in self.process._handlers:
                self.process.on_signal(number, lambda n: self.exit(2))
        return await self.ended

    def serve(self, port: int, handler: Handler) -> bool:
        """http.ListenAndServe; False and a fatal log line when the port is taken."""
        try:
            listen(self.process, port, handler)
        except OSError:
            self.log(f"listen tcp :{port}: bind: address already in use")
            self.exit(1)
            return False
        return True


def routes(table: dict[str, Callable[[Request], Awaitable[Response | None]]]) -> Handler:
    """A ServeMux of exact paths; `/` takes the rest."""
    async def handle(request: Request) -> Response | None:
        found = table.get(request.path) or table.get("/")
        return await found(request) if found else not_found()
    return handle


def not_found() -> Response:
    return http_error("404 page not found", 404)


def http_error(words: str, status: int) -> Response:
    return Response(status, words + "\n", [("X-Content-Type-Options", "nosniff")])


def redirect(request: Request, location: str, status: int = 302) -> Response:
    from html import escape

    from ..http_server import HTTPStatus
    body = f'<a href="{escape(location)}">{HTTPStatus(status).phrase}</a>.\n\n' if request.method in ("GET", "HEAD") else ""
    return Response(status, body, [("Location", location)], "text/html; charset=utf-8")


def to_json(value) -> str:
    """json.Marshal: sorted keys, <, > and & escaped."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def quote(text: str) -> str:
    """%q."""
    return json.dumps(text, ensure_ascii=False)


def parse_duration(text: str) -> float:
    """time.ParseDuration, in seconds. Raises ValueError in its words."""
    if text in ("0", "+0", "-0"):
        return 0.0
    if not re.fullmatch(r"[-+]?(?:\d+\.?\d*(?:ns|us|µs|ms|s|m|h)|\.\d+(?:ns|us|µs|ms|s|m|h))+", text):
        if re.fullmatch(r"[-+]?\d+\.?\d*", text):
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        raise ValueError(f"time: invalid duration {quote(text)}")
    total = sum(float(count) * UNITS[unit] for count, unit in re.findall(r"([\d.]+)(ns|us|µs|ms|s|m|h)", text))
    return -total if text.startswith("-") else total


def format_duration(seconds: float) -> str:
    """time.Duration.String() to the microsecond."""
    micro = round(seconds * 1e6)
    if micro == 0:
        return "0s"
    if micro < 1000:
        return f"{micro}µs"
    if micro < 10**6:
        return f"{micro / 1000:.3f}".rstrip("0").rstrip(".") + "ms"
    rest = f"{micro % 60_000_000 / 1e6:.6f}".rstrip("0").rstrip(".") + "s"
    minutes, hours = micro // 60_000_000 % 60, micro // 3_600_000_000
    return f"{hours}h{minutes}m{rest}" if hours else f"{minutes}m{rest}" if minutes else rest


def parse_flags(words: list[str], found: Subcommand) -> tuple[dict[str, object], list[str]]:
    """(flags, arguments). Raises FlagError in pflag's words."""
    flags, args, rest = dict(found.flags), [], list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return flags, args + rest
        if not word.startswith("-") or word == "-":
            args.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("--"):
            letter, value = name[0], (name[1:] or value)
            equals = equals or name[1:]
            if letter not in found.short and letter != "v":
                raise FlagError(f"unknown shorthand flag: {letter!r} in {word}")
            name = found.short.get(letter, "v")
        if name.replace("_", "-") in KLOG and name not in flags:
            if not equals and rest and name == "v":
                rest.pop(0)
            continue
        if name not in flags:
            raise FlagError(f"unknown flag: --{name}")
        default = found.flags[name]
        if isinstance(default, bool):
            value = value if equals else "true"
        elif not equals:
            if not rest:
                raise FlagError(f"flag needs an argument: --{name}")
            value = rest.pop(0)
        flags[name] = _converted(name, value, default)
    return flags, args


def _converted(name: str, value: str, default: object) -> object:
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}[value.lower()]
        if isinstance(default, Duration):
            return parse_duration(value)
        return int(value) if isinstance(default, int) else value
    except KeyError:
        raise FlagError(f'invalid argument "{value}" for "--{name}" flag: strconv.ParseBool: parsing "{value}": invalid syntax') from None
    except ValueError as problem:
        words = str(problem) if isinstance(default, Duration) else f'strconv.ParseInt: parsing "{value}": invalid syntax'
        raise FlagError(f'invalid argument "{value}" for "--{name}" flag: {words}') from None


def integer(text: str, default: int = 0) -> int:
    """strconv.Atoi, `default` for "". Raises ValueError in its words."""
    if not text:
        return default
    if not re.fullmatch(r"[-+]?\d+", text):
        raise ValueError(f'strconv.Atoi: parsing {quote(text)}: invalid syntax')
    return int(text)


async def http_get(process: Process, url: str, timeout: float = CLIENT_TIMEOUT, ip: str | None = None) -> str:
    """The body of a GET. `ip` for a host that is resolved already. Raises OSError in the words of Go's http.Client."""
    address = parse_url(url)
    where = f"dial tcp {address.host}:{address.port}"
    try:
        async with asyncio.timeout(process.clock.real(timeout)):
            reader, writer = await process.network.connect(ip or address.host, address.port)
            try:
                where = f"read tcp {process.network.ip}->{address.host}:{address.port}"
                response = await exchange(reader, writer, "GET", address, [("User-Agent", "Go-http-client/1.1")])
                return b"".join([part async for part in response.body]).decode("utf-8", "replace")
            finally:
                writer.close()
    except TimeoutError:
        raise OSError(f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)') from None
    except ConnectionRefusedError:
        raise OSError(f'Get "{url}": {where}: connect: connection refused') from None
    except (ConnectionError, h11.RemoteProtocolError):
        raise OSError(f'Get "{url}": EOF') from None
    except OSError as problem:
        words = (problem.strerror or str(problem)).lower()
        raise OSError(f'Get "{url}": {where}: {"connect: " if problem.errno and problem.errno > 0 else ""}{words}') from None


def split_host_port(text: str) -> tuple[str, int]:
    """net.SplitHostPort. Raises ValueError in its words."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"address {text}: missing port in address")
    if not port.isdigit():
        raise ValueError(f"lookup tcp/{port}: unknown port")
    return host.strip("[]"), int(port)


def url_host(url: str) -> str:
    return urlsplit(url).hostname or ""


async def collect(stream: Stream) -> str:
    return (await stream.read_all()).decode("utf-8", "replace")
