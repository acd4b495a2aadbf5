"""redis-cli (`src/redis-cli.c`): one command from the command line, or lines from standard input or a terminal."""
import asyncio
import re
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

from ..process import SIGINT
from ..shell.interpreter import Interrupted
from ..shell.lineedit import LineEditor
from .resp import Error, NullArray, Status, encode, quoted, read_reply, split

VALUED = {"-h": "host", "-p": "port", "-a": "password", "--pass": "password", "--user": "user", "-u": "uri", "-r": "repeat",
          "-i": "interval", "-n": "database", "--pattern": "pattern", "-s": "socket", "-t": "timeout", "-d": "delimiter"}
FLAGS = {"--raw": "raw", "--no-raw": "no_raw", "-e": "fail", "-x": "stdin", "--scan": "scan", "--no-auth-warning": "quiet", "--csv": "csv",
         "--version": "version", "-v": "version", "--help": "help", "-2": "resp2", "-3": "resp3", "-c": "cluster"}
WARNING = "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"
PUSHED = (b"subscribe", b"psubscribe", b"monitor")


class Options(dict):
    def __getattr__(self, name: str):
        return self.get(name)


def parse(words: list[str]) -> tuple[Options, list[str]] | str:
    """(options, the command) or an error."""
    found, rest = Options(host="127.0.0.1", port="6379", repeat="1", interval="0", database="0"), list(words)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word in VALUED and rest:
            found[VALUED[word]] = rest.pop(0)
        elif word in FLAGS:
            found[FLAGS[word]] = True
        else:
            return f"Unrecognized option or bad number of args for: '{word}'"
    if found.uri:
        parts = urlsplit(found.uri)
        found["host"], found["port"] = parts.hostname or found.host, str(parts.port or 6379)
        if parts.password:
            found["password"] = unquote(parts.password)
            found["user"] = unquote(parts.username or "") or None
        if parts.path.strip("/"):
            found["database"] = parts.path.strip("/")
    if not found.port.isdigit() or not 0 < int(found.port) < 65536:
        return "Invalid server port."
    return found, rest


def formatted(reply, indent: str = "") -> str:
    """A reply as a terminal shows it, with its newline."""
    match reply:
        case None | NullArray():
            return "(nil)\n"
        case Error():
            return f"(error) {reply}\n"
        case Status():
            return f"{reply}\n"
        case int():
            return f"(integer) {reply}\n"
        case bytes():
            return quoted(reply) + "\n"
        case []:
            return "(empty array)\n"
    width = len(str(len(reply)))
    lines = []
    for number, item in enumerate(reply, 1):
        label = f"{number:>{width}}) "
        lines.append((indent if number > 1 else "") + label + formatted(item, indent + " " * len(label)))
    return "".join(lines)


def raw(reply) -> bytes:
    """A reply as a pipe gets it, without its last newline."""
    match reply:
        case None | NullArray():
            return b""
        case bytes():
            return reply
        case list():
            return b"\n".join(map(raw, reply))
        case Error():
            return str(reply).encode() + b"\n"
    return str(reply).encode()


def csv(reply) -> str:
    match reply:
        case None | NullArray():
            return "NULL"
        case Error():
            return f'ERROR,"{reply}"'
        case Status():
            return f'"{reply}"'
        case bytes():
            return quoted(reply)
        case list():
            return ",".join(map(csv, reply))
    return str(reply)


class Client:
    def __init__(self, process, options: Options, version: str):
        self.process, self.options, self.version = process, options, version
        self.reader = self.writer = None
        self.database = int(options.database) if options.database.isdigit() else 0
        self.failed = self.transaction = False
        self.terminal = (process.stdout.isatty() and not options.raw) or bool(options.no_raw)

    def say(self, text: str | bytes, fd: int = 1) -> None:
        self.process.fds[fd].write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))

    @property
    def prompt(self) -> str:
        if not self.writer:
            return "not connected> "
        return f"{self.options.host}:{self.options.port}" + (f"[{self.database}]" if self.database else "") + ("(TX)" if self.transaction
                                                                                                         else "") + "> "

    async def connect(self) -> bool:
        options = self.options
        try:
            self.reader, self.writer = await self.process.network.connect(options.host, int(options.port))
        except OSError as problem:
            self.say(f"Could not connect to Redis at {options.host}:{options.port}: {problem.strerror}\n", 2)
            self.reader = self.writer = None
            return False
        if password := options.password or self.process.env.get("REDISCLI_AUTH"):
            if options.password and not options.quiet:
                self.say(WARNING, 2)
            reply = await self.ask([b"AUTH", *([options.user.encode()] if options.user else []), password.encode()])
            if isinstance(reply, Error):
                self.say(f"AUTH failed: {reply}\n", 2)
        if self.database:
            reply = await self.ask([b"SELECT", options.database.encode()])
            if isinstance(reply, Error):
                self.say(f"SELECT {options.database} failed: {reply}\n", 2)
                self.database = 0
        return True

    async def ask(self, words: list[bytes]):
        self.writer.write(encode(words))
        return await read_reply(self.reader)

    def show(self, reply, words: list[bytes]) -> None:
        if isinstance(reply, Error):
            self.failed = True
        plain = words[0].lower() in (b"info", b"lolwut") or [w.lower() for w in words[:2]] in ([b"client", b"list"], [b"client", b"info"],
                                                                                         [b"cluster", b"info"], [b"cluster", b"nodes"])
        if self.options.csv:
            self.say(csv(reply) + "\n")
        elif self.terminal and not plain:
            self.say(formatted(reply))
        else:
            text = raw(reply)
            self.say(text if plain and text.endswith(b"\n") else text + b"\n")

    async def run(self, words: list[bytes]) -> bool:
        """Sends a command and shows its reply; False when there is no connection."""
        if not self.writer and not await self.connect():
            return False
        name = words[0].lower()
        try:
            if name in PUSHED:
                await self._follow(words)
                return True
            reply = await self.ask(words)
        except (EOFError, OSError, asyncio.IncompleteReadError):
            self.writer.close()
            self.reader = self.writer = None
            if name == b"shutdown":
                return True
            self.say("Error: Server closed the connection\n", 2)
            return False
        self.show(reply, words)
        if not isinstance(reply, Error):
            if name == b"select":
                self.database = int(words[1])
            self.transaction = name == b"multi" or (self.transaction and name not in (b"exec", b"discard"))
        return True

    async def _follow(self, words: list[bytes]) -> None:
        """What the server pushes, until ^C."""
        task = asyncio.current_task()
        interrupted = False

        def stop(n: int) -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()
        self.process.on_signal(SIGINT, stop)
        if self.terminal and words[0].lower() != b"monitor":
            self.say("Reading messages... (press Ctrl-C to quit)\n")
        self.writer.write(encode(words))
        try:
            while True:
                reply = await read_reply(self.reader)
                self.show(reply, [b""])
                if isinstance(reply, Error):
                    return
        except asyncio.CancelledError:
            if not interrupted:
                raise
            task.uncancel()
            self.process.exit(130)


async def scan(client: Client) -> int:
    if not await client.connect():
        return 1
    reply = await client.ask([b"SCAN", b"0", b"MATCH", (client.options.pattern or "*").encode(), b"COUNT", b"1000"])
    if isinstance(reply, Error):
        client.show(reply, [b""])
        return 1
    for key in reply[1]:
        client.say(key + b"\n")
    return 0


def program(version: str):
    async def main(process) -> int:
        parsed = parse(process.argv[1:])
        if isinstance(parsed, str):
            process.stderr.write(f"{parsed}\n".encode())
            return 1
        options, words = parsed
        client = Client(process, options, version)
        if options.version or options.help:
            client.say(f"redis-cli {version}\n")
            return 0
        if options.scan:
            return await scan(client)
        command = [word.encode("utf-8", "surrogateescape") for word in words]
        if options.stdin:
            data = bytearray()
            while chunk := await process.stdin.read():
                data += chunk
            command.append(bytes(data))
        if not command:
            return await (interactive(client) if process.stdin.isatty() else piped(client))
        repeat = int(options.repeat)
        while repeat:
            repeat -= 1
            if not await client.run(command):
                return 1
            if float(options.interval):
                await process.sleep(float(options.interval))
        return int(bool(options.fail) and client.failed)

    return main


async def piped(client: Client) -> int:
    while (line := await client.process.stdin.readline()) and line.strip().lower() not in (b"quit", b"exit"):
        if not await each_line(client, line):
            return 1
    return int(bool(client.options.fail) and client.failed)


class Editor(LineEditor):
    def _complete(self) -> None:
        """Commands are not completed."""


async def interactive(client: Client) -> int:
    await client.connect()
    editor = Editor(SimpleNamespace(process=client.process, history=[]))
    while True:
        try:
            line = await editor.read_line(client.prompt)
        except Interrupted:
            line = None
        if line is None or (text := line.strip().lower()) in ("quit", "exit"):
            return 0
        if text == "clear":
            client.say("\x1b[H\x1b[2J")
        elif text in ("help", "?"):
            client.say(f'redis-cli {client.version}\nTo exit: "quit" or Ctrl-D\n')
        elif text:
            await each_line(client, line.encode("utf-8", "surrogateescape"))


async def each_line(client: Client, line: bytes) -> bool:
    words = split(line)
    if words is None:
        client.say("Invalid argument(s)\n")
        return True
    repeat = 1
    if len(words) > 1 and re.fullmatch(rb"\d+", words[0]):
        repeat, words = int(words[0]), words[1:]
    return all([await client.run(words) for _ in range(repeat)]) if words else True
