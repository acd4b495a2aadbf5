"""What file descriptors point at: pipes and terminals.

A `Stream` is an open file description: `dup()` adds a holder, `close()` drops one, and the last one closes it for good. Handing a
stream to `Process.spawn` or `Container.exec` hands over that holder: the process closes it when it ends.
"""
import asyncio
import errno
import signal
from collections.abc import Callable

PIPE_SIZE = 65536


class Stream:
    """Base of everything a descriptor can be. Reading gives b"" at the end; writing to a pipe nobody reads raises BrokenPipeError."""

    terminal: "Terminal | None" = None

    _drains = 0

    def __init__(self):
        self.holders = 1

    def dup(self) -> "Stream":
        self.holders += 1
        return self

    def close(self) -> None:
        self.holders -= 1
        if self.holders == 0:
            self.closed()

    def closed(self) -> None:
        """The last holder has closed."""

    def isatty(self) -> bool:
        return self.terminal is not None

    async def read(self, n: int = PIPE_SIZE) -> bytes:
        raise OSError(errno.EBADF, "Bad file descriptor")

    def write(self, data: bytes) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    async def drain(self) -> None:
        """Waits while the reader is behind; where nobody reads, pauses now and then so that an endless writer leaves room for others."""
        self._drains += 1
        if self._drains % 64 == 0:
            await asyncio.sleep(0.001)

    async def readline(self) -> bytes:
        """Up to and with the next newline, read byte by byte so that nothing after it is taken (as a shell's `read` does)."""
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = await self.read(1)
            if not byte:
                break
            line += byte
        return bytes(line)

    async def read_all(self) -> bytes:
        data = bytearray()
        while chunk := await self.read():
            data += chunk
        return bytes(data)


class Null(Stream):
    """/dev/null."""

    async def read(self, n: int = PIPE_SIZE) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass


class Sink(Stream):
    """A stream whose writes go to a function."""

    def __init__(self, write: Callable[[bytes], None]):
        super().__init__()
        self.write = write


class _ReadEnd(Stream):
    def __init__(self, pipe: "Pipe"):
        super().__init__()
        self.pipe = pipe

    async def read(self, n: int = PIPE_SIZE) -> bytes:
        pipe = self.pipe
        while not pipe.buffer:
            if pipe.ended:
                return b""
            await pipe.wait()
        data = bytes(pipe.buffer[:n])
        del pipe.buffer[:n]
        pipe.wake()
        return data

    def closed(self) -> None:
        self.pipe.abandoned = True
        self.pipe.buffer.clear()
        self.pipe.wake()


class _WriteEnd(Stream):
    def __init__(self, pipe: "Pipe"):
        super().__init__()
        self.pipe = pipe

    def write(self, data: bytes) -> None:
        if self.pipe.abandoned:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if data:
            self.pipe.buffer += data
            self.pipe.wake()

    async def drain(self) -> None:
        while len(self.pipe.buffer) > PIPE_SIZE and not self.pipe.abandoned:
            await self.pipe.wait()
        if self.pipe.abandoned:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def closed(self) -> None:
        self.pipe.ended = True
        self.pipe.wake()


class Pipe:
    """A pipe with its two ends, `reader` and `writer` (Streams). Pass `pipe.writer` as one process's stdout and `pipe.reader` as the
    other's stdin; where a stream is wanted the Pipe itself may be given and the right end is taken. Its own read, write, drain and
    close are those of the end the caller kept (close ends the writing side)."""

    def __init__(self):
        self.buffer = bytearray()
        self.ended = self.abandoned = False
        self._waiters: list[asyncio.Future] = []
        self.reader, self.writer = _ReadEnd(self), _WriteEnd(self)
        self.read, self.readline, self.read_all = self.reader.read, self.reader.readline, self.reader.read_all
        self.write, self.drain, self.close = self.writer.write, self.writer.drain, self.writer.close

    async def wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Terminal(Stream):
    """A pty. The container's side is this Stream; the learner's side is `type_in(bytes)`, and output reaches `on_output(bytes)`.

    In canonical mode (the default) lines are edited here (erase, ^U, ^W), ^C ^\\ ^Z signal the foreground group and ^D on an empty
    line is the end of file; `raw = True` (or `echo = False`) leaves every byte to the program. \\n leaves as \\r\\n.
    """

    def __init__(self, on_output: Callable[[bytes], None] | None = None, rows: int = 24, columns: int = 80):
        super().__init__()
        self.terminal = self
        self.on_output = on_output or (lambda data: None)
        self.rows, self.columns = rows, columns
        self.raw = False
        self.echo = True
        self.foreground: set = set()
        """The process group (a set of Process) that reads and that ^C reaches."""
        self._line = bytearray()
        self._pipe = Pipe()
        self._ends = 0

    def type_in(self, data: bytes) -> None:
        """What the learner typed."""
        if self.raw:
            if not self._pipe.ended:
                self._pipe.write(data)
            return
        for byte in data:
            self._type(byte)

    def _type(self, byte: int) -> None:
        if byte in KEY_SIGNALS:
            self._line.clear()
            self._show(b"^" + bytes([byte + 64]))
            for process in list(self.foreground):
                process.signal(KEY_SIGNALS[byte])
        elif byte in (0x7F, 0x08):
            self._erase(1)
        elif byte == 0x15:
            self._erase(len(self._line))
        elif byte == 0x17:
            kept = bytes(self._line).rstrip()
            self._erase(len(self._line) - (max(kept.rfind(b" "), kept.rfind(b"\t")) + 1))
        elif byte == 0x04:
            if self._line:
                self._send()
            else:
                self._ends += 1
                self._pipe.wake()
        else:
            self._line.append(0x0A if byte == 0x0D else byte)
            self._show(b"\n" if byte in (0x0D, 0x0A) else bytes([byte]))
            if self._line[-1] == 0x0A:
                self._send()

    def _send(self) -> None:
        self._pipe.write(bytes(self._line))
        self._line.clear()

    def _erase(self, count: int) -> None:
        for _ in range(min(count, len(self._line))):
            while self._line and self._line[-1] & 0xC0 == 0x80:
                self._line.pop()
            if self._line:
                self._line.pop()
                self._show(b"\b \b")

    def _show(self, data: bytes) -> None:
        if self.echo:
            self.write(data)

    async def read(self, n: int = PIPE_SIZE) -> bytes:
        pipe = self._pipe
        while not pipe.buffer:
            if self._ends:
                self._ends -= 1
                return b""
            if pipe.ended:
                return b""
            await pipe.wait()
        if not self.raw and b"\n" in pipe.buffer[:n]:
            n = pipe.buffer.index(b"\n") + 1
        data = bytes(pipe.buffer[:n])
        del pipe.buffer[:n]
        return data

    def write(self, data: bytes) -> None:
        self.on_output(data.replace(b"\n", b"\r\n"))

    def resize(self, rows: int, columns: int) -> None:
        if (rows, columns) != (self.rows, self.columns):
            self.rows, self.columns = rows, columns
            for process in list(self.foreground):
                process.signal(SIGWINCH)

    def hang_up(self) -> None:
        """The learner's side is gone: reads end and the foreground group gets SIGHUP."""
        if not self._pipe.ended:
            self._pipe.close()
            for process in list(self.foreground):
                process.signal(SIGHUP)


SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH = 1, 3, 20, 28
KEY_SIGNALS = {0x03: int(signal.SIGINT), 0x1C: SIGQUIT, 0x1A: SIGTSTP}
