"""Simulated processes: pids, parents, signals, exit codes, memory and CPU.

A program is `async def main(process) -> int`, held by `File.program`; its result is the exit code (0–255). It runs as one asyncio
task, so a program that loops must await something. One `ProcessTable` is a container's processes, in a PID namespace of their own or in
one shared with the other containers of the pod.
"""
import asyncio
import errno
import logging
import math
import time
import types
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..clock import Clock, now
from .filesystem import Directory, File, FileSystem, error
from .streams import Null, Pipe, Stream, Terminal

if TYPE_CHECKING:
    from .sockets import Sockets

Program = Callable[["Process"], Awaitable[int]]
Handler = Callable[[int], None]

SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM = 1, 2, 3, 9, 10, 12, 13, 14, 15
SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH = 17, 18, 19, 20, 21, 22, 23, 28
SIGNALS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12,
    "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23,
    "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28, "POLL": 29, "PWR": 30, "SYS": 31,
}
"""Linux x86-64 numbers (signal(7)), whatever the host is."""
IGNORED = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}
STOPPING = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_MEMORY = 300 << 10
CPU_PER_START = 0.001
"""Seconds of a core that starting a process takes."""
CPU_CARRIED = 1.0
"""Seconds of work that a container over its CPU limit may still catch up on later."""


class ProcessExit(BaseException):
    """Raised by Process.exit()."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


class _Replaced(BaseException):
    """Raised by Process.exec(): the task goes on with another program."""

    def __init__(self, program: Program):
        super().__init__(program)
        self.program = program


class PidNamespace:
    """Processes that see each other, by their numbers."""

    def __init__(self):
        self.processes: dict[int, Process] = {}
        self.last_pid = 0


class ProcessTable:
    """The processes of one container, and what they share. `memory_limit` in bytes; `on_exit(process)` is called for every end."""

    def __init__(self, fs: FileSystem, clock: Clock, network=None, container=None, memory_limit: int | None = None,
                 namespace: PidNamespace | None = None):
        self.fs, self.clock, self.network, self.container = fs, clock, network, container
        self.memory_limit = memory_limit
        self.namespace = namespace or PidNamespace()
        self.init: Process | None = None
        """Its first process, PID 1 unless the namespace is shared; the others end with it."""
        self._cpu_used, self._cpu_owed, self._cpu_at = 0.0, 0.0, self.clock_seconds()
        self.oom_killed = False
        self.on_exit: Callable[[Process], None] = lambda process: None

    def start(self, argv: list[str], env: dict[str, str] | None = None, *, cwd: str = "/", uid: int = 0, gid: int = 0,
              stdin: Stream | Pipe | None = None, stdout: Stream | Pipe | None = None, stderr: Stream | Pipe | None = None,
              terminal: Terminal | None = None, program: Program | None = None) -> "Process":
        """A process without a parent: PID 1, or what `kubectl exec` puts beside it. Raises as Process.spawn."""
        fs = self.fs.view(cwd=cwd, uid=uid, gid=gid)
        env = dict(env or {})
        argv, program = (argv, program) if program else find_program(fs, argv, env)
        if not fs.isdir(cwd):
            raise error(errno.ENOENT if not fs.exists(cwd) else errno.ENOTDIR, cwd)
        if terminal:
            stdin, stdout, stderr = stdin or terminal, stdout or terminal.dup(), stderr or terminal.dup()
        fds = {0: _end(stdin, False) or Null(), 1: _end(stdout, True) or Null(), 2: _end(stderr, True) or Null()}
        process = Process(self, None, argv, env, fs, fds, terminal, program)
        if terminal:
            terminal.foreground = process.group
        return process

    @property
    def processes(self) -> "dict[int, Process]":
        """All of the namespace: what its processes see."""
        return self.namespace.processes

    @property
    def own(self) -> "list[Process]":
        return [process for process in self.processes.values() if process.table is self]

    @property
    def memory(self) -> int:
        return sum(process.memory for process in self.own)

    def clock_seconds(self) -> float:
        return time.monotonic() * self.clock.speed

    def use_cpu(self, seconds: float) -> None:
        self._cpu_owed += seconds * self.clock.speed

    @property
    def cpu_seconds(self) -> float:
        """Cluster seconds of a core used so far by all processes, those that have ended included; the CPU limit slows them down."""
        self.settle_cpu()
        return self._cpu_used

    def settle_cpu(self) -> float:
        """Account for the time since the last call; the time now."""
        at = self.clock_seconds()
        passed, self._cpu_at = at - self._cpu_at, at
        self._cpu_owed += sum(process.cpu for process in self.own) * passed
        limit = self.container and self.container.config.cpu_limit
        spent = min(self._cpu_owed, limit * passed) if limit else self._cpu_owed
        self._cpu_used += spent
        self._cpu_owed = min(self._cpu_owed - spent, CPU_CARRIED)
        return at

    def kill_all(self) -> None:
        for process in self.own:
            process.signal(SIGKILL, outside=True)

    def check_memory(self) -> None:
        """Over the limit the kernel kills the whole container (memory.oom.group, which the kubelet sets on cgroup v2)."""
        if self.memory_limit and self.memory > self.memory_limit:
            self.oom_killed = True
            self.kill_all()


def _end(stream: Stream | Pipe | None, writing: bool) -> Stream | None:
    return (stream.writer if writing else stream.reader) if isinstance(stream, Pipe) else stream


def find_program(fs: FileSystem, argv: list[str], env: dict[str, str], depth: int = 0) -> tuple[list[str], Program]:
    """execvpe: (argv, program), with `#!` followed. Raises FileNotFoundError, PermissionError, OSError(ENOEXEC) for a file that is
    neither a program nor a `#!` script."""
    name = argv[0]
    if not name:
        raise error(errno.ENOENT, name)
    if "/" in name:
        candidates = [name]
    else:
        candidates = [f"{folder or '.'}/{name}" for folder in env.get("PATH", DEFAULT_PATH).split(":")]
    refused = False
    for path in candidates:
        try:
            node = fs.lookup(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if isinstance(node, Directory) or not fs.allowed(node, 1):
            refused = True
            continue
        assert isinstance(node, File)
        if node.program:
            return argv, node.program
        first = node.data[:256].split(b"\n", 1)[0]
        if not first.startswith(b"#!") or depth > 4:
            raise OSError(errno.ENOEXEC, "Exec format error", path)
        interpreter = first[2:].decode(errors="replace").strip().split(None, 1)
        return find_program(fs, [*interpreter, path, *argv[1:]], env, depth + 1)
    raise error(errno.EACCES if refused else errno.ENOENT, name)


def _command_name(argv: list[str]) -> str:
    """Without folders, at most 15 characters."""
    return argv[0].rpartition("/")[2][:15]


def _descriptor(number: int) -> property:
    return property(lambda self: self.fds[number], lambda self, stream: self.fds.__setitem__(number, stream))


class Process:
    """One process. `env` is a dict of its own; `fs` sees files as this process does (cwd, user); `memory` is bytes in use, `cpu` cores
    in use (both set by programs). `exit_code` is None while it runs; killed by signal n it is 128+n and `killed_by` is n."""

    def __init__(self, table: ProcessTable, parent: "Process | None", argv: list[str], env: dict[str, str], fs: FileSystem,
                 fds: dict[int, Stream], terminal: Terminal | None, program: Program, group: "set[Process] | None" = None):
        table.namespace.last_pid += 1
        self.pid = table.namespace.last_pid
        table.init = table.init or self
        self.table, self.parent, self.argv, self.env, self.fds, self.terminal = table, parent, argv, env, fds, terminal
        self.name = _command_name(argv)
        """/proc/PID/comm; a program may change `argv` (its title), this stays."""
        self.fs = fs
        fs.process = self
        self.started: datetime = now()
        self.children: set[Process] = set()
        self.group = set() if group is None else group
        """The process group: a set shared by its members."""
        self.group.add(self)
        self.exit_code: int | None = None
        self.killed_by: int | None = None
        self.signal_sender = 0
        self._cpu, self._cpu_seconds, self._cpu_since = 0.0, 0.0, table.clock_seconds()
        self._memory = DEFAULT_MEMORY
        self._handlers: dict[int, Handler | str] = {}
        self._sleeper: asyncio.Future | None = None
        self._stopped: asyncio.Event | None = None
        self._exited: asyncio.Event | None = None
        self._sockets: Sockets | None = None
        table.processes[self.pid] = self
        self.use_cpu(CPU_PER_START)
        if parent:
            parent.children.add(self)
            self._handlers = {n: "ignore" for n, handler in parent._handlers.items() if handler == "ignore"}
        self._task = asyncio.get_running_loop().create_task(self._run(program), name=argv[0])
        table.check_memory()

    def __repr__(self) -> str:
        return f"<Process {self.pid} {' '.join(self.argv)}>"

    # --- what it has ---

    @property
    def container(self) -> Any:
        return self.table.container

    @property
    def clock(self) -> Clock:
        return self.table.clock

    @property
    def ppid(self) -> int:
        return self.parent.pid if self.parent else 0

    @property
    def cwd(self) -> str:
        return self.fs.cwd

    def chdir(self, path: str) -> None:
        path = self.fs.realpath(path)
        if not isinstance(node := self.fs.lookup(path), Directory):
            raise error(errno.ENOTDIR, path)
        if not self.fs.allowed(node, 1):
            raise error(errno.EACCES, path)
        self.fs.cwd = path

    @property
    def uid(self) -> int:
        return self.fs.uid

    @property
    def gid(self) -> int:
        return self.fs.gid

    stdin, stdout, stderr = _descriptor(0), _descriptor(1), _descriptor(2)

    @property
    def network(self) -> "Sockets":
        """Its sandbox's network (see sockets.py); what it opens is closed when it ends."""
        if self._sockets is None:
            from .sockets import Sockets
            self._sockets = Sockets(self)
        return self._sockets

    @property
    def memory(self) -> int:
        return self._memory

    @memory.setter
    def memory(self, size: int) -> None:
        grown = size > self._memory
        self._memory = size
        if grown:
            self.table.check_memory()

    @property
    def cpu(self) -> float:
        return self._cpu

    @cpu.setter
    def cpu(self, cores: float) -> None:
        if cores != self._cpu:
            self._cpu_seconds = self.cpu_seconds
            self._cpu, self._cpu_since = cores, self.table.settle_cpu()

    @property
    def cpu_seconds(self) -> float:
        """Cluster seconds of a core it has used."""
        return self._cpu_seconds + self._cpu * (self.table.clock_seconds() - self._cpu_since)

    def use_cpu(self, seconds: float) -> None:
        """Accounts for one piece of work that keeps a core busy for so long; real seconds, for no clock makes a machine faster."""
        self._cpu_seconds += seconds * self.clock.speed
        self.table.use_cpu(seconds)

    @property
    def state(self) -> str:
        """As in ps: R running, S sleeping, T stopped, Z zombie."""
        return "Z" if self.exit_code is not None else "T" if self._stopped else "R" if self.cpu else "S"

    # --- starting others ---

    def spawn(self, argv: list[str], *, env: dict[str, str] | None = None, cwd: str | None = None, stdin: Stream | Pipe | None = None,
              stdout: Stream | Pipe | None = None, stderr: Stream | Pipe | None = None, fds: dict[int, Stream] | None = None,
              program: Program | None = None, new_group: bool = False, uid: int | None = None, gid: int | None = None) -> "Process":
        """fork and exec. A stream that is passed is handed over (the child closes it at its end; dup() it to keep it); one that is not
        is inherited, as are all other descriptors unless `fds` replaces them. `program` skips the PATH search (a shell's subshell).
        Raises FileNotFoundError, PermissionError, OSError(ENOEXEC)."""
        env = dict(self.env if env is None else env)
        fs = self.fs.view(cwd=cwd, uid=uid, gid=gid)
        if program is None:
            argv, program = find_program(fs, argv, env)
        given = {0: _end(stdin, False), 1: _end(stdout, True), 2: _end(stderr, True), **(fds or {})}
        child_fds = {number: given.get(number) or stream.dup() for number, stream in self.fds.items()}
        child_fds |= {number: stream for number, stream in given.items() if stream and number not in child_fds}
        return Process(self.table, self, list(argv), env, fs, child_fds, self.terminal, program, None if new_group else self.group)

    def exec(self, argv: list[str], env: dict[str, str] | None = None) -> None:
        """execve: goes on as another program, same pid and descriptors. Never returns; raises as spawn when it cannot."""
        env = dict(self.env if env is None else env)
        argv, program = find_program(self.fs, argv, env)
        self.argv, self.env, self.name = list(argv), env, _command_name(argv)
        self._handlers = {n: "ignore" for n, handler in self._handlers.items() if handler == "ignore"}
        self._memory = DEFAULT_MEMORY
        raise _Replaced(program)

    def exit(self, status: int = 0) -> None:
        """Ends this process from anywhere inside its program."""
        raise ProcessExit(status)

    # --- running ---

    async def _run(self, program: Program) -> None:
        try:
            while True:
                try:
                    status = await self._stoppable(program(self))
                except _Replaced as replaced:
                    program = replaced.program
                else:
                    break
            self._end(int(status or 0) & 255)
        except ProcessExit as exit:
            self._end(exit.status & 255)
        except BrokenPipeError:
            self._end(128 + SIGPIPE, SIGPIPE)
        except OSError as problem:
            self._complain(f"{self.name}: {problem.strerror or problem}")
            self._end(1)
        except asyncio.CancelledError:
            self._end(128 + SIGKILL, SIGKILL)
            raise
        except Exception:
            if self.exit_code is not None:
                return
            logging.getLogger(__name__).exception("simulated program failed: %s", self.argv)
            self._complain("Segmentation fault")
            self._end(139, 11)

    def _complain(self, words: str) -> None:
        try:
            self.stderr.write(words.encode() + b"\n")
        except OSError:
            pass

    @types.coroutine
    def _stoppable(self, coroutine):
        """Runs a coroutine, holding its next step back while the process is stopped."""
        step, argument = coroutine.send, None
        while True:
            while self._stopped:
                yield from self._stopped.wait().__await__()
            try:
                future = step(argument)
            except StopIteration as done:
                return done.value
            try:
                step, argument = coroutine.send, (yield future)
            except BaseException as problem:
                step, argument = coroutine.throw, problem

    def _end(self, status: int, killed_by: int | None = None) -> None:
        if self.exit_code is not None:
            return
        self.exit_code, self.killed_by = status, killed_by
        self._memory, self._stopped = 0, None
        self.cpu = 0.0
        if self._sockets:
            self._sockets.close()
        for stream in self.fds.values():
            stream.close()
        self.fds = {}
        self.group.discard(self)
        children, self.children = self.children, set()
        for child in children:
            if child.exit_code is not None:
                child.reap()
            child.parent = self.table.processes.get(1)
        if self._exited:
            self._exited.set()
        if self.parent is None or self.parent.exit_code is not None or self not in self.parent.children:
            self.reap()
        else:
            self.parent.signal(SIGCHLD, sender=self.pid)
        self.table.on_exit(self)
        if self.pid == 1:
            for process in list(self.table.processes.values()):
                process.signal(SIGKILL, outside=True)
        elif self is self.table.init:
            self.table.kill_all()

    def reap(self) -> None:
        """Takes an ended process out of the table (what a parent's wait() does)."""
        self.table.processes.pop(self.pid, None)
        if self.parent:
            self.parent.children.discard(self)

    async def wait(self) -> int:
        """The exit code, once it has ended; reaps it."""
        while self.exit_code is None:
            if self._exited is None:
                self._exited = asyncio.Event()
            await self._exited.wait()
        self.reap()
        return self.exit_code

    # --- signals ---

    def signal(self, n: int, outside: bool = False, sender: int = 0) -> None:
        """Delivers a signal from the process `sender` (0: not known). PID 1 ignores what it has no handler for; only from `outside` its
        namespace can it be killed or stopped. A handler finds the sender in `signal_sender`."""
        if self.exit_code is not None:
            return
        protected = self.pid == 1 and not (outside and n in (SIGKILL, SIGSTOP))
        if n == SIGCONT and self._stopped:
            stopped, self._stopped = self._stopped, None
            stopped.set()
        handler = "default" if n in (SIGKILL, SIGSTOP) else self._handlers.get(n, "default")
        if callable(handler):
            self.signal_sender = sender
            handler(n)
            if self._sleeper and not self._sleeper.done():
                self._sleeper.set_result(None)
        elif handler == "ignore" or n in IGNORED or protected:
            return
        elif n in STOPPING:
            self._stopped = self._stopped or asyncio.Event()
            if self.parent:
                self.parent.signal(SIGCHLD, sender=self.pid)
        else:
            self._end(128 + n, n)
            self._task.cancel()

    def on_signal(self, n: int, handler: Handler | str) -> None:
        """`handler(n)` is called at once when the signal arrives; or "ignore", or "default"."""
        self._handlers[n] = handler

    async def sleep(self, seconds: float) -> float:
        """Cluster seconds (math.inf: until a signal). Returns what was left, above 0 when a handled signal ended it."""
        loop = asyncio.get_running_loop()
        self._sleeper = sleeper = loop.create_future()
        start = loop.time()
        real = self.clock.real(seconds)
        timer = None if math.isinf(real) else loop.call_later(real, lambda: sleeper.done() or sleeper.set_result(None))
        try:
            await sleeper
        finally:
            if timer:
                timer.cancel()
            if self._sleeper is sleeper:
                self._sleeper = None
        return max(0.0, seconds - (loop.time() - start) * self.clock.speed)
