"""busybox ash: walks the syntax tree (parser.py) inside one simulated process.

A subshell, a part of a pipeline and a background job are processes of their own (Process.spawn with a copy of the shell's state), so
`ps`, signals and `wait` see what they would see in a real container. Exit codes and messages follow busybox `shell/ash.c`.
"""
import asyncio
import errno
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..process import SIGCHLD, SIGINT, SIGNALS, SIGQUIT, SIGTERM, SIGTSTP, Process
from ..streams import Null, Pipe, Stream
from . import expansion, patterns
from .pace import Pace
from .parser import (
    AndOr,
    Case,
    For,
    Function,
    Group,
    If,
    Loop,
    Node,
    Parser,
    Pipeline,
    Redirect,
    Sequence,
    ShellSyntaxError,
    Simple,
    Subshell,
    Word,
    assignment_in,
)

SIGNAL_NAMES = {number: name for name, number in SIGNALS.items()}
SIGNAL_WORDS = {1: "Hangup", 3: "Quit", 4: "Illegal instruction", 6: "Aborted", 7: "Bus error", 8: "Arithmetic exception", 9: "Killed",
                10: "User defined signal 1", 11: "Segmentation fault", 12: "User defined signal 2", 14: "Alarm clock", 15: "Terminated"}
DECLARATIONS = {"export", "readonly", "local"}


class ShellError(Exception):
    """A failed expansion, assignment or special builtin, already reported: the shell (not an interactive one) ends with `status`."""

    def __init__(self, status: int = 2):
        self.status = status


class RedirectionError(ShellError):
    pass


class Interrupted(Exception):
    """^C at an interactive shell: back to the prompt."""


class Leave(Exception):
    """`break`, `continue`: `levels` loops."""

    def __init__(self, levels: int):
        self.levels = levels


class Break(Leave):
    pass


class Continue(Leave):
    pass


class Return(Exception):
    def __init__(self, status: int):
        self.status = status


class Exit(Exception):
    def __init__(self, status: int):
        self.status = status


@dataclass(slots=True)
class Variable:
    value: str | None = None
    exported: bool = False
    readonly: bool = False


@dataclass(slots=True)
class Job:
    number: int
    processes: list[Process]
    text: str
    stopped: bool = False

    @property
    def done(self) -> bool:
        return all(process.exit_code is not None for process in self.processes)


class Builtin:
    """The process as a command run inside the shell sees it: its own argv, everything else the shell's."""

    def __init__(self, process: Process, argv: list[str]):
        self._process, self.argv, self.name = process, argv, "sh"

    def __getattr__(self, name: str):
        return getattr(self._process, name)


class Shell:
    def __init__(self, process: Process, arg0: str = "sh"):
        self.process, self.arg0 = process, arg0
        self.command_name: str | None = None
        self.options: set[str] = set()
        self.variables: dict[str, Variable] = {"IFS": Variable(" \t\n"), "PATH": Variable("/sbin:/usr/sbin:/bin:/usr/bin"),
                                               "OPTIND": Variable("1"),
                                               "PS2": Variable("> "), "PS4": Variable("+ ")}
        for name, value in process.env.items():
            if re.fullmatch(r"[A-Za-z_]\w*", name) and name not in ("IFS", "OPTIND"):
                self.variables[name] = Variable(value, exported=True)
        self.variables["PPID"] = Variable(str(process.ppid))
        self.variables["PWD"] = Variable(process.cwd, exported=True)
        level = process.env.get("SHLVL", "0")
        self.variables["SHLVL"] = Variable(str(int(level) + 1 if level.isdigit() else 1), exported=True)
        self.functions: dict[str, Node] = {}
        self.aliases: dict[str, str] = {}
        self.positional: list[str] = []
        self.traps: dict[int, str] = {}
        self.jobs: list[Job] = []
        self.pid = process.pid
        self.status = 0
        self.last_background: int | None = None
        self.line = 0
        self.from_file = True
        self.interactive = False
        self.history: list[str] = []
        self.scopes: list[dict[str, Variable | None]] = []
        self.loops = 0
        self.tested = False
        self.getopts_offset = 0
        self._reset_run()

    def _reset_run(self) -> None:
        self.pending: list[int] = []
        self.caught = asyncio.Event()
        self.child_changed = asyncio.Event()
        self.interrupted = False
        self._substituted = 0
        self._steps = 0
        self._pace = Pace(self.process)

    # --- state ---

    @property
    def fs(self):
        return self.process.fs

    def get(self, name: str) -> str | None:
        variable = self.variables.get(name)
        return variable.value if variable else None

    def set(self, name: str, value: str) -> None:
        variable = self.variables.get(name)
        if variable is None:
            self.variables[name] = Variable(value, exported="a" in self.options)
        else:
            variable.value = value
            variable.exported |= "a" in self.options

    def assign(self, name: str, value: str) -> None:
        variable = self.variables.get(name)
        if variable and variable.readonly:
            self.fail(f"{name}: is read only")
        self.set(name, value)
        if name == "OPTIND":
            self.getopts_offset = 0

    def parameter(self, name: str) -> str | None:
        """The value of $name, special parameters included; None when unset."""
        if name.isdigit():
            number = int(name)
            return self.arg0 if number == 0 else self.positional[number - 1] if number <= len(self.positional) else None
        match name:
            case "?":
                return str(self.status)
            case "#":
                return str(len(self.positional))
            case "$":
                return str(self.pid)
            case "!":
                return None if self.last_background is None else str(self.last_background)
            case "-":
                return "".join(letter for letter in OPTION_ORDER if letter in self.options)
            case "LINENO":
                return str(self.line)
        return self.get(name)

    def home(self, user: str) -> str | None:
        """The directory `~user` stands for."""
        if not user:
            return self.get("HOME")
        try:
            for line in self.fs.read("/etc/passwd").decode().splitlines():
                entry = line.split(":")
                if entry[0] == user:
                    return entry[5]
        except OSError:
            pass
        return None

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        exported = {name: variable.value for name, variable in self.variables.items() if variable.exported and variable.value is not None}
        return exported | (extra or {})

    # --- words to the learner ---

    async def write(self, text: str, fd: int = 1) -> None:
        stream = self.process.fds.get(fd)
        if stream is None:
            return
        stream.write(text.encode("utf-8", "surrogateescape"))
        await stream.drain()

    def complain(self, message: str, command: str | None = None) -> None:
        """ash_vmsg: `sh: message`, with the script's or builtin's name and the line where there is one."""
        name = command or self.command_name
        prefix = f"{self.arg0}: "
        if name is not None:
            prefix += f"{name}: " if name != self.arg0 else ""
            prefix += f"line {self.line}: " if self.from_file else ""
        if stream := self.process.fds.get(2):
            try:
                stream.write(f"{prefix}{message}\n".encode("utf-8", "surrogateescape"))
            except OSError:
                pass

    def fail(self, message: str, status: int = 2, command: str | None = None):
        """Reports and raises ShellError."""
        self.complain(message, command)
        raise ShellError(status)

    # --- running ---

    async def run(self, parser: Parser, exit_at_end: bool = False) -> int:
        """Every command of a text. `exit_at_end`: the shell ends with it, so its last command may take the shell's place (exec)."""
        status = 0
        while True:
            try:
                node = parser.next_command()
            except ShellSyntaxError as problem:
                self.line = parser.line
                self.fail(str(problem))
            if node is None:
                return status
            if isinstance(node, Sequence) and not node.items:
                continue
            last = exit_at_end and not parser.text[parser.pos:].strip()
            status = await self.execute(node, last=last)

    async def execute(self, node: Node | None, tested: bool = False, last: bool = False) -> int:
        """The exit status of a command. `tested`: a condition, so `set -e` does not act. `last`: nothing follows in this process."""
        if node is None or ("n" in self.options and not self.interactive):
            return 0
        self._steps += 1
        if self._steps & 31 == 0:
            await self.breathe()
        self.status = await EXECUTE[type(node)](self, node, tested, last)
        if self.pending:
            await self.run_traps()
        return self.status

    async def breathe(self) -> None:
        """Lets the rest of the cluster run while this shell computes."""
        if self.interrupted:
            self.interrupted = False
            raise Interrupted
        await self._pace()

    def _check_e(self, status: int, tested: bool) -> int:
        if status and not tested and "e" in self.options:
            self.status = status
            raise Exit(status)
        return status

    # --- simple commands ---

    async def _simple(self, node: Simple, tested: bool, last: bool) -> int:
        self.line = node.line
        self._substituted = 0
        args = await self._arguments(node.words)
        if not args:
            return self._check_e(await self._assignments_only(node), tested)
        name = args[0]
        function = self.functions.get(name) if name not in SPECIAL else None
        builtin = None if function else BUILTINS.get(name)
        special = name in SPECIAL
        saved = None
        try:
            saved = await self._redirect(node.redirects)
            assignments = [(key, await expansion.string(self, word, assignment=True)) for key, word in node.assignments]
            if "x" in self.options:
                await self._trace([f"{key}={quote(value)}" for key, value in assignments] + [quote(arg) for arg in args])
            replaces = name == "exec" or (last and not (function or builtin or self.traps or self.interactive))
            if replaces:
                self._keep(saved)
                saved = None
            if function or builtin:
                status = await self._inside(function, builtin, special, args, assignments, tested)
            else:
                for key, _ in assignments:
                    if key in self.variables and self.variables[key].readonly:
                        self.fail(f"{key}: is read only")
                status = await self.external(args, dict(assignments), replaces)
        except RedirectionError as problem:
            if special:
                raise
            status = problem.status
        finally:
            if saved:
                self._restore(saved)
        return self._check_e(status, tested)

    async def _arguments(self, words: list[Word]) -> list[str]:
        if words and words[0].plain in DECLARATIONS:
            args = [words[0].plain]
            for word in words[1:]:
                if assignment_in(word):
                    args.append(await expansion.string(self, word, assignment=True))
                else:
                    args += await expansion.fields(self, [word])
            return args
        return await expansion.fields(self, words)

    async def _assignments_only(self, node: Simple) -> int:
        try:
            saved = await self._redirect(node.redirects)
        except RedirectionError as problem:
            return problem.status
        try:
            traced = []
            for name, word in node.assignments:
                value = await expansion.string(self, word, assignment=True)
                self.assign(name, value)
                traced.append(f"{name}={quote(value)}")
            if traced and "x" in self.options:
                await self._trace(traced)
        finally:
            self._restore(saved)
        return self._substituted

    async def _inside(self, function, builtin, special: bool, args: list[str], assignments, tested: bool) -> int:
        """A function or builtin: in this process. Assignments before it last for the call, or for good with a special builtin."""
        saved = [] if special else [(name, replace(self.variables[name]) if name in self.variables else None) for name, _ in assignments]
        for name, value in assignments:
            self.assign(name, value)
            if not special:
                self.variables[name].exported = True
        try:
            if function:
                return await self.call(function, args[1:], tested)
            outer, outer_tested = self.command_name, self.tested
            self.command_name, self.tested = args[0], tested
            try:
                return await builtin(self, args)
            except ShellError as problem:
                if special:
                    raise
                return problem.status
            finally:
                self.command_name, self.tested = outer, outer_tested
        finally:
            for name, variable in saved:
                if variable is None:
                    self.variables.pop(name, None)
                else:
                    self.variables[name] = variable

    async def call(self, body: Node, args: list[str], tested: bool = False) -> int:
        """Runs a function."""
        positional, self.positional = self.positional, args
        self.scopes.append({})
        if len(self.scopes) > 200:
            self.fail("maximum function nesting reached")
        try:
            return await self.execute(body, tested)
        except Return as leaving:
            return leaving.status
        finally:
            self.positional = positional
            for name, variable in self.scopes.pop().items():
                if variable is None:
                    self.variables.pop(name, None)
                else:
                    self.variables[name] = variable

    async def external(self, argv: list[str], assignments: dict[str, str], replace_shell: bool = False) -> int:
        env = self.environment(assignments)
        path = assignments.get("PATH", self.get("PATH"))
        try:
            if path is not None and "PATH" not in env:
                env["PATH"] = path
            if replace_shell:
                self.process.exec(argv, env)
            child = self.process.spawn(argv, env=env, new_group=self.interactive)
        except FileNotFoundError:
            self.complain(f"{argv[0]}: not found")
            return 127
        except PermissionError:
            self.complain(f"{argv[0]}: Permission denied")
            return 126
        except OSError as problem:
            if problem.errno != errno.ENOEXEC:
                self.complain(f"{argv[0]}: {problem.strerror}")
                return 126
            path = problem.filename
            child = self.process.spawn(argv, env=env, new_group=self.interactive, program=lambda process: run_file(process, path, argv[1:]))
        return await self.foreground([child], " ".join(argv))

    async def foreground(self, processes: list[Process], text: str) -> int:
        """Waits for a job's processes; the last one's status (with pipefail the last failure's)."""
        since = time.monotonic()
        terminal = self.process.terminal if self.interactive else None
        if terminal:
            terminal.foreground = processes[0].group
        try:
            while any(process.exit_code is None for process in processes):
                if self.interactive and any(process.state == "T" for process in processes):
                    job = self.add_job(processes, text)
                    job.stopped = True
                    await self.write(f"\n{self.describe_job(job)}\n", 2)
                    return 128 + SIGTSTP
                if self.interactive:
                    self.child_changed.clear()
                    await self.child_changed.wait()
                else:
                    for process in processes:
                        await process.wait()
        finally:
            if terminal:
                terminal.foreground = self.process.group
        self._pace.waited(since)
        self.reap()
        killed = [process.killed_by for process in processes if process.killed_by]
        if killed and killed[-1] == SIGINT and self.interactive:
            raise Interrupted
        await self.tell_killed(processes[-1])
        if "pipefail" in self.options:
            return next((process.exit_code for process in reversed(processes) if process.exit_code), 0)
        return processes[-1].exit_code

    async def tell_killed(self, process: Process) -> None:
        if process.killed_by in SIGNAL_WORDS:
            await self.write(SIGNAL_WORDS[process.killed_by] + "\n", 2)

    def reap(self) -> None:
        """Takes ended children (orphans too, when this is PID 1) out of the process table."""
        for child in list(self.process.children):
            if child.exit_code is not None:
                child.reap()

    async def _trace(self, words: list[str]) -> None:
        prefix = await self.prompt("PS4")
        await self.write(f"{prefix}{' '.join(words)}\n", 2)

    async def prompt(self, name: str) -> str:
        """PS1, PS2 or PS4 with its parameters expanded, and ash's \\w \\h \\u \\$ escapes."""
        text = self.get(name) or ""
        if "\\" in text:
            home, where = self.get("HOME"), self.process.cwd
            short = "~" + where[len(home):] if home and home != "/" and (where == home or where.startswith(home + "/")) else where
            host = self.get("HOSTNAME") or (self.process.table.container and getattr(self.process.container, "hostname", "")) or ""
            values = {"w": short, "W": short.rpartition("/")[2] or "/", "h": host, "u": self.get("USER") or "root",
                      "$": "#" if self.process.uid == 0 else "$", "n": "\n", "s": "sh", "[": "", "]": "", "e": "\x1b",
                      "t": time.strftime("%H:%M:%S")}
            text = re.sub(r"\\(.)", lambda match: values.get(match[1], match[0]), text)
        if not any(char in text for char in "$`"):
            return text
        try:
            return await expansion.string(self, Parser(text)._heredoc())
        except ShellSyntaxError:
            return text

    # --- redirections ---

    async def _redirect(self, redirects: list[Redirect]) -> dict[int, Stream | None]:
        """Applies redirections to this process; what they replaced, for _restore."""
        saved: dict[int, Stream | None] = {}
        fds = self.process.fds
        try:
            for redirect in redirects:
                stream = await self._open(redirect)
                targets = [1, 2] if redirect.operator in ("&>", "&>>") else [redirect.fd]
                for fd in targets:
                    old = fds.pop(fd, None)
                    if fd in saved:
                        if old:
                            old.close()
                    else:
                        saved[fd] = old
                    if stream:
                        fds[fd] = stream if fd == targets[0] else stream.dup()
        except BaseException:
            self._restore(saved)
            raise
        return saved

    async def _open(self, redirect: Redirect) -> Stream | None:
        """The stream a redirection puts in place; None closes the descriptor."""
        operator = redirect.operator
        target = await expansion.string(self, redirect.target)
        if operator == "<<":
            document = Pipe()
            document.buffer += target.encode("utf-8", "surrogateescape")
            document.writer.close()
            return document.reader
        if operator in ("<&", ">&"):
            if target == "-":
                return None
            if not target.isdigit():
                if operator == "<&" or redirect.fd != 1:
                    self._redirection_failed("bad fd number")
                operator = "&>"
            else:
                stream = self.process.fds.get(int(target))
                if stream is None:
                    self._redirection_failed(f"{target}: Bad file descriptor")
                return stream.dup()
        mode = {"<": "r", "<>": "r+", ">>": "a", "&>>": "a"}.get(operator, "w")
        if operator == ">" and "C" in self.options and self.fs.isfile(target):
            self._redirection_failed(f"can't create {target}: File exists")
        try:
            if mode == "r+" and not self.fs.exists(target):
                self.fs.write(target, b"")
            return self.fs.open(target, mode)
        except OSError as problem:
            missing = isinstance(problem, FileNotFoundError | NotADirectoryError)
            if mode == "r":
                self._redirection_failed(f"can't open {target}: {'no such file' if missing else problem.strerror}")
            self._redirection_failed(f"can't create {target}: {'nonexistent directory' if missing else problem.strerror}")

    def _redirection_failed(self, message: str):
        self.complain(message)
        raise RedirectionError(1)

    def _restore(self, saved: dict[int, Stream | None]) -> None:
        for fd, stream in saved.items():
            current = self.process.fds.pop(fd, None)
            if current:
                current.close()
            if stream:
                self.process.fds[fd] = stream

    def _keep(self, saved: dict[int, Stream | None]) -> None:
        """The redirections stay: `exec`, or a last command that takes the shell's place."""
        for stream in saved.values():
            if stream:
                stream.close()

    async def _redirected(self, node, tested: bool, run: Callable[[], Awaitable[int]]) -> int:
        """A compound command with its redirections."""
        if not node.redirects:
            return await run()
        try:
            saved = await self._redirect(node.redirects)
        except RedirectionError as problem:
            return self._check_e(problem.status, tested)
        try:
            return await run()
        finally:
            self._restore(saved)

    # --- subshells ---

    def copy(self) -> "Shell":
        """What a fork leaves the child: everything but the jobs and the traps (ignored signals stay ignored)."""
        other = object.__new__(Shell)
        other.__dict__.update(self.__dict__)
        other.variables = {name: replace(variable) for name, variable in self.variables.items()}
        other.functions, other.aliases, other.options = dict(self.functions), dict(self.aliases), set(self.options)
        other.traps = {number: action for number, action in self.traps.items() if action == ""}
        other.scopes = [dict(scope) for scope in self.scopes]
        other.jobs, other.interactive = [], False
        other.from_file = self.from_file
        return other

    def fork(self, node: Node | None, *, stdin: Stream | None = None, stdout: Stream | None = None, group: "set[Process] | None" = None,
             last: bool = True) -> Process:
        """A child process that runs `node` in a copy of this shell. `group`: the job's processes so far (interactive shells)."""
        child_shell = self.copy()

        async def program(process: Process) -> int:
            child_shell.process = process
            child_shell._reset_run()
            return await child_shell.to_the_end(lambda: child_shell.execute(node, last=last))

        fds = {number: stream.dup() for number, stream in self.process.fds.items()}
        for number, stream in ((0, stdin), (1, stdout)):
            if stream is not None:
                if number in fds:
                    fds[number].close()
                fds[number] = stream
        child = self.process.spawn(self.process.argv, env=self.environment(), program=program, new_group=self.interactive, fds=fds)
        if group:
            child.group.discard(child)
            child.group = group
            group.add(child)
        return child

    async def to_the_end(self, run: Callable[[], Awaitable[int]]) -> int:
        """Runs a whole (sub)shell: its exit status, EXIT trap done."""
        try:
            status = await run()
        except Exit as leaving:
            status = leaving.status
        except ShellError as problem:
            status = problem.status
        except Return as leaving:
            status = leaving.status
        except (Leave, Interrupted):
            status = self.status
        if action := self.traps.pop(0, ""):
            self.status = status
            try:
                await self.run(Parser(action, aliases=self.aliases))
            except Exit as leaving:
                status = leaving.status
            except ShellError as problem:
                status = problem.status
            except (Leave, Return, Interrupted):
                pass
        return status

    async def substitute(self, node: Node | None) -> str:
        """The output of $(node)."""
        pipe = Pipe()
        since = time.monotonic()
        child = self.fork(node, stdout=pipe.writer)
        output = await pipe.reader.read_all()
        pipe.reader.close()
        self.status = self._substituted = await child.wait()
        self._pace.waited(since)
        return output.replace(b"\0", b"").decode("utf-8", "surrogateescape")

    # --- compound commands ---

    async def _sequence(self, node: Sequence, tested: bool, last: bool) -> int:
        status = 0
        for index, (item, background) in enumerate(node.items):
            if background:
                status = self.background(item)
            else:
                status = await self.execute(item, tested, last and index == len(node.items) - 1)
        return status

    def background(self, node: Node) -> int:
        child = self.fork(node, stdin=None if self.interactive else Null())
        self.last_background = child.pid
        job = self.add_job([child], describe(node) if self.interactive else "")
        if self.interactive:
            self.process.fds[2].write(f"[{job.number}] {child.pid}\n".encode())
        return 0

    def add_job(self, processes: list[Process], text: str) -> Job:
        for job in self.jobs:
            if job.processes == processes:
                return job
        if not self.interactive:
            self.jobs = [job for job in self.jobs if not job.done or job.processes[-1].pid == self.last_background]
        job = Job(max((job.number for job in self.jobs), default=0) + 1, processes, text)
        self.jobs.append(job)
        return job

    def describe_job(self, job: Job) -> str:
        current = self.jobs[-1] is job
        previous = len(self.jobs) > 1 and self.jobs[-2] is job
        last = job.processes[-1]
        if not job.done:
            state = "Stopped" if job.stopped else "Running"
        elif last.killed_by:
            state = SIGNAL_WORDS.get(last.killed_by, "")
        else:
            state = f"Done({last.exit_code})" if last.exit_code else "Done"
        return f"[{job.number}]{'+' if current else '-' if previous else ' '}  {state:<26} {job.text}"

    async def _pipeline(self, node: Pipeline, tested: bool, last: bool) -> int:
        if len(node.commands) == 1:
            status = await self.execute(node.commands[0], tested or node.negated)
            return int(status == 0) if node.negated else status
        processes: list[Process] = []
        previous: Stream | None = None
        for command in node.commands:
            pipe = Pipe() if command is not node.commands[-1] else None
            processes.append(self.fork(command, stdin=previous, stdout=pipe.writer if pipe else None,
                                       group=processes[0].group if processes else None))
            previous = pipe.reader if pipe else None
        status = await self.foreground(processes, describe(node))
        return int(status == 0) if node.negated else self._check_e(status, tested)

    async def _and_or(self, node: AndOr, tested: bool, last: bool) -> int:
        status = await self.execute(node.left, tested=True)
        if (status == 0) != (node.operator == "&&"):
            return status
        return await self.execute(node.right, tested, last)

    async def _subshell(self, node: Subshell, tested: bool, last: bool) -> int:
        async def run() -> int:
            return await self.foreground([self.fork(node.body)], describe(node))
        return self._check_e(await self._redirected(node, tested, run), tested)

    async def _group(self, node: Group, tested: bool, last: bool) -> int:
        return await self._redirected(node, tested, lambda: self.execute(node.body, tested, last and not node.redirects))

    async def _if(self, node: If, tested: bool, last: bool) -> int:
        async def run() -> int:
            for condition, body in node.clauses:
                if await self.execute(condition, tested=True) == 0:
                    return await self.execute(body, tested, last and not node.redirects)
            return await self.execute(node.otherwise, tested, last and not node.redirects)
        return await self._redirected(node, tested, run)

    async def _loop(self, node: Loop, tested: bool, last: bool) -> int:
        async def run() -> int:
            status = 0
            self.loops += 1
            try:
                while True:
                    try:
                        if (await self.execute(node.condition, tested=True) == 0) == node.until:
                            return status
                        status = await self.execute(node.body, tested)
                    except Leave as leaving:
                        status = 0
                        if self._leaves(leaving):
                            return status
            finally:
                self.loops -= 1
        return await self._redirected(node, tested, run)

    async def _for(self, node: For, tested: bool, last: bool) -> int:
        values = list(self.positional) if node.words is None else await expansion.fields(self, node.words)

        async def run() -> int:
            status = 0
            self.loops += 1
            try:
                for value in values:
                    self.assign(node.name, value)
                    try:
                        status = await self.execute(node.body, tested)
                    except Leave as leaving:
                        status = 0
                        if self._leaves(leaving):
                            break
            finally:
                self.loops -= 1
            return status
        return await self._redirected(node, tested, run)

    @staticmethod
    def _leaves(leaving: Leave) -> bool:
        """Whether this loop ends; passes `break 2` on to the loop around it."""
        if leaving.levels > 1:
            leaving.levels -= 1
            raise leaving
        return isinstance(leaving, Break)

    async def _case(self, node: Case, tested: bool, last: bool) -> int:
        value = await expansion.string(self, node.word)

        async def run() -> int:
            for words, body in node.items:
                for word in words:
                    if patterns.matches(await expansion.pattern(self, word), value):
                        return await self.execute(body, tested, last and not node.redirects)
            return 0
        return await self._redirected(node, tested, run)

    async def _function(self, node: Function, tested: bool, last: bool) -> int:
        self.functions[node.name] = node.body
        return 0

    # --- signals ---

    def trap(self, number: int, action: str | None) -> None:
        """Sets a trap: None is the default action, "" ignores."""
        if action is None:
            self.traps.pop(number, None)
        else:
            self.traps[number] = action
        if number:
            interactive = INTERACTIVE_SIGNALS.get(number) if self.interactive else None
            handler = interactive and getattr(self, interactive)
            self.process.on_signal(number, (handler or "default") if action is None else self.catch if action else "ignore")

    def catch(self, number: int) -> None:
        self.pending.append(number)
        self.caught.set()

    def interrupt(self, number: int) -> None:
        self.interrupted = True
        self.caught.set()

    def shrug(self, number: int) -> None:
        """What an interactive shell does about SIGTERM, SIGQUIT and SIGTSTP."""

    def child_ended(self, number: int) -> None:
        self.child_changed.set()

    async def run_traps(self) -> None:
        while self.pending:
            number = self.pending.pop(0)
            self.caught.clear()
            if action := self.traps.get(number):
                status = self.status
                await self.run(Parser(action, aliases=self.aliases))
                self.status = status

    async def either(self, waiting: Awaitable) -> bool:
        """Waits for something; False when a caught signal came first. ^C at an interactive shell raises Interrupted."""
        if not self.interactive and not self.traps:
            await waiting
            return True
        tasks = [asyncio.ensure_future(waiting), asyncio.ensure_future(self.caught.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not tasks[0].done():
                if self.interrupted:
                    raise Interrupted
                return False
            tasks[0].result()
            return True
        finally:
            for task in tasks:
                task.cancel()


INTERACTIVE_SIGNALS = {SIGINT: "interrupt", SIGTERM: "shrug", SIGQUIT: "shrug", SIGTSTP: "shrug", SIGCHLD: "child_ended"}
EXECUTE = {Simple: Shell._simple, Pipeline: Shell._pipeline, AndOr: Shell._and_or, Sequence: Shell._sequence, Subshell: Shell._subshell,
           Group: Shell._group, If: Shell._if, Loop: Shell._loop, For: Shell._for, Case: Shell._case, Function: Shell._function}
OPTION_NAMES = {"errexit": "e", "noglob": "f", "ignoreeof": "I", "monitor": "m", "noexec": "n", "xtrace": "x", "verbose": "v",
                "noclobber": "C",
                "allexport": "a", "notify": "b", "nounset": "u", "errtrace": "E", "vi": "V", "pipefail": "pipefail"}
OPTION_ORDER = "efIimscnxvCabu"
BUILTINS: dict[str, Callable[[Shell, list[str]], Awaitable[int]]] = {}
SPECIAL = {".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times", "trap", "unset",
           "source", "local"}
SAFE = re.compile(r"[+,\-./0-9:@A-Z\]^_a-z]*")


def quote(text: str) -> str:
    """A word as `set -x` shows it."""
    return text if SAFE.fullmatch(text) else single_quoted(text)


def single_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def describe(node: Node | None) -> str:
    """A command as `jobs` shows it."""
    match node:
        case Simple():
            words = [f"{name}={_source(word)}" for name, word in node.assignments] + [_source(word) for word in node.words]
            redirects = [f"{redirect.fd}{redirect.operator}{_source(redirect.target)}" for redirect in node.redirects]
            return " ".join(words + redirects)
        case Pipeline():
            return ("! " if node.negated else "") + " | ".join(describe(command) for command in node.commands)
        case AndOr():
            return f"{describe(node.left)} {node.operator} {describe(node.right)}"
        case Sequence():
            return "; ".join(describe(item) + (" &" if background else "") for item, background in node.items)
        case Subshell():
            return f"({describe(node.body)})"
        case Group():
            return f"{{ {describe(node.body)}; }}"
        case If():
            return f"if {describe(node.clauses[0][0])}; then {describe(node.clauses[0][1])}; fi"
        case Loop():
            return f"{'until' if node.until else 'while'} {describe(node.condition)}; do {describe(node.body)}; done"
        case For():
            return f"for {node.name} in {' '.join(_source(word) for word in node.words or [])}; do {describe(node.body)}; done"
        case Case():
            return f"case {_source(node.word)} in ... esac"
        case Function():
            return f"{node.name}() {{ {describe(node.body)}; }}"
    return ""


def _source(word: Word) -> str:
    out = []
    for part in word.parts:
        match part:
            case expansion.Literal(text, quoted):
                out.append(f'"{text}"' if quoted else text)
            case expansion.Parameter():
                out.append("${" + part.name + part.operator + (_source(part.word) if part.word else "") + "}")
            case expansion.Substitution():
                out.append(f"$({describe(part.body)})")
            case expansion.Arithmetic():
                out.append(f"$(({_source(part.expression)}))")
    return "".join(out)


async def run_file(process: Process, path: str, args: list[str], shell: Shell | None = None) -> int:
    """`sh path args…`."""
    shell = shell or Shell(process, path)
    shell.arg0 = shell.command_name = path
    shell.positional = args
    try:
        text = process.fs.read(path).decode("utf-8", "surrogateescape")
    except OSError as problem:
        shell.arg0, shell.command_name = "sh", None
        shell.complain(f"can't open '{path}': {problem.strerror}")
        return 2
    return await shell.to_the_end(lambda: shell.run(Parser(text, line=1, aliases=shell.aliases), exit_at_end=True))
