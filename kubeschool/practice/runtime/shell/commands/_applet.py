"""What the applets share: options as busybox's getopt takes them, its error words, reading and writing streams."""
import getopt
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from ...streams import Stream
from ..pace import Pace

VERSION = "BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary."
MOST_MEMORY = 256 << 20
"""Bytes a command may hold where nothing else limits it."""
COMMANDS: dict[str, Callable[..., Awaitable[int]]] = {}
SUFFIXES = {"b": 512, "k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20, "g": 1 << 30, "G": 1 << 30, "": 1}


class Failure(Exception):
    """Ends an applet with `name: message` on stderr."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


class Usage(Exception):
    """Ends an applet with its usage."""


class Options(dict):
    """Letters to values (True for flags; the last one wins); `all(letter)` has every value in order."""

    def __init__(self, pairs: list[tuple[str, str]]):
        super().__init__((key, value or True) for key, value in pairs)
        self.pairs = pairs

    def __missing__(self, key: str) -> bool:
        return False

    def all(self, letter: str) -> list[str]:
        return [value for key, value in self.pairs if key == letter]


def applet(names: str, usage: str, short: str = "", long: dict[str, str] | None = None, *, permute: bool = True, status: int = 1,
           dashless: bool = False):
    """Registers `async def main(process, options, arguments) -> int | None` as a program. `long`: --name (name= takes a value) to its
    letter. `permute`: options may follow arguments. `dashless`: the first word's letters are options (`tar cf`)."""
    long = long or {}

    def register(function):
        async def main(process) -> int:
            try:
                parse = getopt.gnu_getopt if permute else getopt.getopt
                words = process.argv[1:]
                if dashless and words and not words[0].startswith("-"):
                    words = _old_style(words, short)
                pairs, arguments = parse(words, short, list(long))
                options = Options([(_letter(key, long), value) for key, value in pairs])
            except getopt.GetoptError as problem:
                await put(process, f"{process.name}: {_getopt_words(problem)}\n{VERSION}\n\nUsage: {process.name} {usage}\n", 2)
                return status
            try:
                return await function(process, options, arguments) or 0
            except Usage:
                await put(process, f"{VERSION}\n\nUsage: {process.name} {usage}\n", 2)
            except Failure as failure:
                await complain(process, str(failure))
                return failure.status
            except BrokenPipeError:
                raise
            except OSError as problem:
                await complain(process, f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem.strerror or problem))
            except RecursionError:
                await complain(process, "out of memory")
            return status

        for name in names.split():
            COMMANDS[name] = main
        return function
    return register


def _old_style(words: list[str], short: str) -> list[str]:
    """`cfC a.tar dir x` as `-c -f a.tar -C dir x`."""
    letters, rest, options = words[0], words[1:], []
    for letter in letters:
        options.append("-" + letter)
        if letter + ":" in short and rest:
            options.append(rest.pop(0))
    return options + rest


def _letter(key: str, long: dict[str, str]) -> str:
    return long.get(key[2:]) or long[key[2:] + "="] if key.startswith("--") else key[1:]


def _getopt_words(problem: getopt.GetoptError) -> str:
    missing, option = "requires argument" in problem.msg, problem.opt
    if len(option) == 1:
        return f"{'option requires an argument' if missing else 'invalid option'} -- '{option}'"
    return f"option '--{option}' requires an argument" if missing else f"unrecognized option '--{option}'"


def encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


async def put(process, data: str | bytes, fd: int = 1) -> None:
    """Writes and waits while the reader is behind."""
    stream = process.fds.get(fd)
    if stream is None:
        if fd == 1:
            raise Failure("write error: Bad file descriptor")
        return
    stream.write(encode(data))
    await stream.drain()


async def complain(process, message: str) -> None:
    await put(process, f"{process.name}: {message}\n", 2)


def stdin(process) -> Stream:
    if 0 not in process.fds:
        raise Failure("read error: Bad file descriptor")
    return process.fds[0]


class Borrowed:
    """A stream that belongs to somebody else: closing it does nothing."""

    def __init__(self, stream: Stream):
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def close(self) -> None:
        pass


def open_file(process, name: str) -> Stream | Borrowed:
    """A file, or standard input for `-`."""
    return Borrowed(stdin(process)) if name == "-" else process.fs.open(name)


async def chunks(process, stream: Stream) -> AsyncIterator[bytes]:
    pace = Pace(process)
    while True:
        since = time.monotonic()
        data = await stream.read()
        pace.waited(since)
        if not data:
            return
        yield data
        await pace()


async def lines(process, stream: Stream, end: bytes = b"\n") -> AsyncIterator[bytes]:
    """Lines with their newline (the last may lack it), as they arrive. One that never ends takes memory: until the container's limit
    kills it, or MOST_MEMORY."""
    waiting: list[bytes] = []
    before = process.memory
    pace = Pace(process)
    async for data in chunks(process, stream):
        *complete, rest = data.split(end)
        for line in complete:
            yield b"".join([*waiting, line, end])
            waiting.clear()
            process.memory = before
            await pace()
        waiting.append(rest)
        process.memory += len(rest)
        if process.memory - before > MOST_MEMORY:
            raise Failure("out of memory")
    if last := b"".join(waiting):
        yield last


async def inputs(process, names: list[str], words: str = "{name}: {error}") -> AsyncIterator[tuple[str, Stream | None]]:
    """(name, open stream) of each file, standard input when there are none; None for what cannot be opened, which is complained
    about in `words` (none: silently)."""
    for name in names or ["-"]:
        try:
            stream = open_file(process, name)
        except OSError as problem:
            if words:
                await complain(process, words.format(name=name, error=problem.strerror))
            yield name, None
            continue
        try:
            yield name, stream
        finally:
            stream.close()


def number(text: str, suffixes: bool = False) -> int:
    match = re.fullmatch(r"([-+]?\d+)([bkKmMgG]?)" if suffixes else r"([-+]?\d+)()", str(text))
    if not match:
        raise Failure(f"invalid number '{text}'")
    return int(match[1]) * SUFFIXES[match[2]]


def human(size: float, decimals_below: float = 10 ** 9) -> str:
    """1536 as busybox -h shows it: 1.5K."""
    if size < 1024:
        return str(int(size))
    for unit in "KMGT":
        size /= 1024
        if size < 1024 or unit == "T":
            return f"{size:.1f}{unit}"
    raise AssertionError


def user_names(process) -> dict[int, str]:
    return _names(process, "/etc/passwd")


def group_names(process) -> dict[int, str]:
    return _names(process, "/etc/group")


def _names(process, path: str) -> dict[int, str]:
    try:
        text = decode(process.fs.read(path))
    except OSError:
        return {0: "root"}
    return {int(entry[2]): entry[0] for line in text.splitlines() if len(entry := line.split(":")) > 2 and entry[2].isdigit()}


def mode_string(mode: int) -> str:
    """-rw-r--r-- as ls shows a st_mode."""
    import stat
    return stat.filemode(mode)
