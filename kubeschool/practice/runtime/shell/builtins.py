"""The commands inside ash itself. Each is `async def name(shell, args) -> int`; args[0] is the command's name."""
import errno
import inspect
import math
import posixpath
import re

from ..process import SIGCONT, SIGNALS
from . import expansion
from .commands import COMMANDS
from .commands._applet import Failure
from .commands.chmod import parse_mode
from .interpreter import (
    BUILTINS,
    OPTION_NAMES,
    SIGNAL_NAMES,
    SPECIAL,
    Break,
    Builtin,
    Continue,
    Exit,
    Job,
    Return,
    Shell,
    ShellError,
    Variable,
    describe,
    run_file,
    single_quoted,
)
from .parser import KEYWORDS, NAME, Parser


def builtin(*names: str):
    def register(function):
        for name in names:
            BUILTINS[name] = function
        return function
    return register


def _applet(name: str):
    """An applet ash runs in its own process, with `sh` as its name in messages."""
    async def run(shell: Shell, args: list[str]) -> int:
        try:
            return await COMMANDS[name](Builtin(shell.process, args))
        except BrokenPipeError:
            raise
        except OSError as problem:
            shell.process.fds[2].write(f"sh: {problem.strerror}\n".encode()) if 2 in shell.process.fds else None
            return 1
        except KeyError:
            return 1
    BUILTINS[name] = run


for _name in ("echo", "printf", "test", "[", "true", "false"):
    _applet(_name)
BUILTINS["[["] = BUILTINS["["]


def _number(shell: Shell, text: str) -> int:
    if not text.isdigit():
        shell.fail(f"Illegal number: {text}")
    return int(text)


def _name(shell: Shell, name: str) -> str:
    if not NAME.fullmatch(name):
        shell.fail(f"{name}: bad variable name")
    return name


@builtin(":")
async def colon(shell: Shell, args: list[str]) -> int:
    return 0


@builtin(".", "source")
async def dot(shell: Shell, args: list[str]) -> int:
    if len(args) < 2:
        return 2
    path = args[1]
    if "/" not in path:
        folders = (shell.get("PATH") or "").split(":")
        path = next((candidate for folder in folders if shell.fs.isfile(candidate := f"{folder or '.'}/{path}")), None)
        if path is None:
            shell.fail(f"{args[1]}: not found")
    try:
        text = shell.fs.read(path).decode("utf-8", "surrogateescape")
    except OSError as problem:
        shell.fail(f"can't open '{path}': {problem.strerror}")
    positional, name, from_file = shell.positional, shell.command_name, shell.from_file
    if len(args) > 2:
        shell.positional = args[2:]
    shell.command_name, shell.from_file = path, True
    try:
        return await shell.run(Parser(text, line=1, aliases=shell.aliases))
    except Return as leaving:
        return leaving.status
    finally:
        shell.positional, shell.command_name, shell.from_file = positional if len(args) > 2 else shell.positional, name, from_file


@builtin("eval")
async def eval_(shell: Shell, args: list[str]) -> int:
    parser, status = Parser(" ".join(args[1:]), line=shell.line, aliases=shell.aliases), 0
    tested = shell.tested
    from .parser import ShellSyntaxError
    while True:
        try:
            node = parser.next_command()
        except ShellSyntaxError as problem:
            shell.fail(str(problem))
        if node is None:
            return status
        name, shell.command_name = shell.command_name, None if shell.command_name == "eval" and shell.arg0 == "sh" else shell.command_name
        try:
            status = await shell.execute(node, tested)
        finally:
            shell.command_name = name


@builtin("exec")
async def exec_(shell: Shell, args: list[str]) -> int:
    if len(args) == 1:
        return 0
    argv = args[1:]
    if argv[0] == "-a" and len(argv) > 2:
        argv = argv[2:]
    try:
        shell.process.exec(argv, shell.environment())
    except FileNotFoundError:
        shell.complain(f"{argv[0]}: not found")
        status = 127
    except PermissionError:
        shell.complain(f"{argv[0]}: Permission denied")
        status = 126
    except OSError as problem:
        if problem.errno != errno.ENOEXEC:
            raise
        raise Exit(await run_file(shell.process, problem.filename, argv[1:])) from None
    raise Exit(status)


@builtin("exit")
async def exit_(shell: Shell, args: list[str]) -> int:
    raise Exit(_number(shell, args[1]) & 255 if len(args) > 1 else shell.status)


@builtin("return")
async def return_(shell: Shell, args: list[str]) -> int:
    raise Return(_number(shell, args[1]) if len(args) > 1 else shell.status)


@builtin("break", "continue")
async def leave(shell: Shell, args: list[str]) -> int:
    levels = _number(shell, args[1]) if len(args) > 1 else 1
    if levels == 0:
        shell.fail(f"Illegal number: {args[1]}")
    if shell.loops:
        raise (Break if args[0] == "break" else Continue)(min(levels, shell.loops))
    return 0


@builtin("shift")
async def shift(shell: Shell, args: list[str]) -> int:
    count = _number(shell, args[1]) if len(args) > 1 else 1
    if count > len(shell.positional):
        return 1
    shell.positional = shell.positional[count:]
    return 0


@builtin("cd", "chdir")
async def cd(shell: Shell, args: list[str]) -> int:
    physical = "-P" in args[1:2]
    args = [arg for arg in args[1:] if arg not in ("-P", "-L", "--")]
    target = args[0] if args else shell.get("HOME")
    if target is None:
        return 0
    back = target == "-"
    if back:
        target = shell.get("OLDPWD") or ""
        if not target:
            return 0
    old = shell.get("PWD") or shell.process.cwd
    if found := _in_cdpath(shell, target):
        target, back = found, True
    try:
        shell.process.chdir(target or ".")
    except OSError as problem:
        shell.fail(f"can't cd to {target}: {problem.strerror}")
    logical = posixpath.normpath(posixpath.join(old, target))
    try:
        same = shell.fs.realpath(logical) == shell.process.cwd
    except OSError:
        same = False
    shell.set("OLDPWD", old)
    shell.set("PWD", logical if same and not physical else shell.process.cwd)
    if back:
        await shell.write(shell.get("PWD") + "\n")
    return 0


def _in_cdpath(shell: Shell, target: str) -> str:
    """Where CDPATH leads a relative directory; "" when it does not."""
    if not target or target.split("/")[0] in ("", ".", ".."):
        return ""
    paths = [posixpath.join(folder, target) for folder in (shell.get("CDPATH") or "").split(":") if folder]
    return next((path for path in paths if shell.fs.isdir(path)), "")


@builtin("pwd")
async def pwd(shell: Shell, args: list[str]) -> int:
    await shell.write((shell.process.cwd if "-P" in args else shell.get("PWD") or shell.process.cwd) + "\n")
    return 0


@builtin("export", "readonly")
async def export(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    attribute = {"export": "exported", "readonly": "readonly"}[args[0]]
    if words and words[0] == "-n":
        for word in words[1:]:
            if word in shell.variables:
                shell.variables[word].exported = False
        return 0
    if words and words[0] in ("-p", "--"):
        words = words[1:]
    if not words:
        for name, variable in sorted(shell.variables.items()):
            if getattr(variable, attribute):
                await shell.write(f"{args[0]} {name}" + (f"={single_quoted(variable.value)}" if variable.value is not None else "") + "\n")
        return 0
    for word in words:
        name, equals, value = word.partition("=")
        _name(shell, name)
        if equals:
            shell.assign(name, value)
        setattr(shell.variables.setdefault(name, Variable()), attribute, True)
    return 0


@builtin("local")
async def local(shell: Shell, args: list[str]) -> int:
    if not shell.scopes:
        shell.fail("not in a function")
    for word in args[1:]:
        name, equals, value = word.partition("=")
        _name(shell, name)
        if name in shell.scopes[-1] and not equals:
            continue
        old = shell.variables.get(name)
        shell.scopes[-1].setdefault(name, old)
        if old and old.readonly:
            shell.fail(f"{name}: is read only")
        shell.variables[name] = Variable(value if equals else None, exported=bool(old and old.exported))
    return 0


@builtin("unset")
async def unset(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    functions = bool(words) and words[0] == "-f"
    if words and words[0] in ("-f", "-v"):
        words = words[1:]
    for name in words:
        if functions:
            shell.functions.pop(name, None)
            continue
        _name(shell, name)
        variable = shell.variables.get(name)
        if variable and variable.readonly:
            shell.fail(f"{name}: is read only")
        shell.variables.pop(name, None)
        if variable is None or args[1] != "-v":
            shell.functions.pop(name, None) if variable is None else None
    return 0


@builtin("set")
async def set_(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    if not words:
        for name, variable in sorted(shell.variables.items()):
            if variable.value is not None:
                await shell.write(f"{name}={single_quoted(variable.value)}\n")
        return 0
    while words:
        word = words[0]
        if word in ("-", "--"):
            shell.positional = words[1:]
            return 0
        if len(word) < 2 or word[0] not in "-+":
            break
        words = words[1:]
        turn_on = word[0] == "-"
        for letter in word[1:]:
            if letter == "o":
                if not words:
                    for name, option in OPTION_NAMES.items():
                        state = option in shell.options
                        await shell.write(f"{name:<16}{'on' if state else 'off'}\n" if turn_on
                                          else f"set {'-' if state else '+'}o {name}\n")
                    return 0
                name, words = words[0], words[1:]
                if name not in OPTION_NAMES:
                    shell.fail(f"illegal option {word[0]}o {name}")
                option = OPTION_NAMES[name]
            elif letter in "aefnuvxbCIm":
                option = letter
            else:
                shell.fail(f"illegal option {word[0]}{letter}")
            (shell.options.add if turn_on else shell.options.discard)(option)
    if words:
        shell.positional = words
    return 0


@builtin("trap")
async def trap(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    if words and words[0] == "--":
        words = words[1:]
    if not words:
        for number, action in sorted(shell.traps.items()):
            await shell.write(f"trap -- {single_quoted(action)} {'EXIT' if number == 0 else SIGNAL_NAMES[number]}\n")
        return 0
    action: str | None = None
    if signal_number(words[0]) is None or (len(words) > 1 and not words[0].isdigit()):
        action, words = (None if words[0] == "-" else words[0]), words[1:]
    status = 0
    for word in words:
        number = signal_number(word)
        if number is None:
            shell.complain(f"{word}: invalid signal specification")
            status = 1
        else:
            shell.trap(number, action)
    return status


def signal_number(word: str) -> int | None:
    """TERM, SIGTERM, 15; EXIT and 0 are 0."""
    if word.isdigit():
        return int(word) if int(word) == 0 or int(word) in SIGNAL_NAMES else None
    name = word.upper().removeprefix("SIG")
    return 0 if name == "EXIT" else SIGNALS.get(name)


@builtin("umask")
async def umask(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    mask = shell.fs.umask
    if not words:
        await shell.write(f"{mask:04o}\n")
    elif words[0] == "-S":
        letters = ["".join(letter for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if not mask >> shift & bit) for shift in (6, 3, 0)]
        await shell.write("u={},g={},o={}\n".format(*letters))
    elif re.fullmatch("[0-7]+", words[0]):
        shell.fs.umask = int(words[0], 8) & 0o777
    else:
        try:
            shell.fs.umask = 0o777 & ~parse_mode(words[0], 0o777 & ~mask, False, 0)
        except Failure:
            shell.fail(f"illegal mode: {words[0]}")
    return 0


LIMITS = [("core file size (blocks)", "-c", "0"), ("data seg size (kb)", "-d", "unlimited"), ("scheduling priority", "-e", "0"),
          ("file size (blocks)", "-f", "unlimited"), ("max locked memory (kb)", "-l", "unlimited"), ("max memory size (kb)", "-m",
                                                                                                     "unlimited"),
          ("open files", "-n", "1048576"), ("real-time priority", "-r", "0"), ("stack size (kb)", "-s", "8192"),
          ("cpu time (seconds)", "-t", "unlimited"), ("max user processes", "-u", "unlimited"), ("virtual memory (kb)", "-v", "unlimited")]


@builtin("ulimit")
async def ulimit(shell: Shell, args: list[str]) -> int:
    options = [arg for arg in args[1:] if arg.startswith("-")] or ["-f"]
    if len(args) > 1 and not args[-1].startswith("-"):
        shell.fail("error setting limit: Operation not permitted")
    for words, option, value in LIMITS:
        if "-a" in options:
            await shell.write(f"{words:<32}({option}) {value}\n")
        elif option in options:
            await shell.write(f"{value}\n")
    return 0


@builtin("times")
async def times(shell: Shell, args: list[str]) -> int:
    seconds = shell.process.cpu_seconds
    text = f"{int(seconds // 60)}m{seconds % 60:.3f}s"
    await shell.write(f"{text} 0m0.000s\n0m0.000s 0m0.000s\n")
    return 0


@builtin("alias")
async def alias(shell: Shell, args: list[str]) -> int:
    status = 0
    for word in args[1:] or sorted(shell.aliases):
        name, equals, value = word.partition("=")
        if equals:
            shell.aliases[name] = value
        elif name in shell.aliases:
            await shell.write(f"{name}={single_quoted(shell.aliases[name])}\n")
        else:
            await shell.write(f"alias: {name} not found\n", 2)
            status = 1
    return status


@builtin("unalias")
async def unalias(shell: Shell, args: list[str]) -> int:
    status = 0
    if args[1:] == ["-a"]:
        shell.aliases.clear()
        return 0
    for name in args[1:]:
        if shell.aliases.pop(name, None) is None:
            await shell.write(f"unalias: {name} not found\n", 2)
            status = 1
    return status


@builtin("hash")
async def hash_(shell: Shell, args: list[str]) -> int:
    return 0


@builtin("history")
async def history(shell: Shell, args: list[str]) -> int:
    for number, line in enumerate(shell.history):
        await shell.write(f"{number:4} {line}\n")
    return 0


@builtin("help")
async def help_(shell: Shell, args: list[str]) -> int:
    line, lines = "", []
    for name in sorted(BUILTINS):
        if len(line) + len(name) > 70:
            lines, line = [*lines, line], ""
        line += " " + name
    await shell.write("Built-in commands:\n------------------\n" + "".join(f"\t{text[1:]}\n" for text in [*lines, line]))
    return 0


@builtin("let")
async def let(shell: Shell, args: list[str]) -> int:
    value = 0
    for text in args[1:]:
        value = expansion.calculate(shell, text)
    return int(value == 0)


# --- which command is it ---

def find_path(shell: Shell, name: str) -> str | None:
    folders = [None] if "/" in name else (shell.get("PATH") or "").split(":")
    for folder in folders:
        path = name if folder is None else f"{folder or '.'}/{name}"
        if shell.fs.isfile(path) and shell.fs.access(path, 1):
            return path
    return None


def explain(shell: Shell, name: str, short: bool) -> str | None:
    """What `command -v` (short) or `type` say about a name; None: nothing by that name."""
    if name in KEYWORDS:
        return name if short else f"{name} is a shell keyword"
    if name in shell.aliases:
        return f"alias {name}={single_quoted(shell.aliases[name])}" if short else f"{name} is an alias for {shell.aliases[name]}"
    if name in shell.functions and name not in SPECIAL:
        return name if short else f"{name} is a function"
    if name in BUILTINS:
        return name if short else f"{name} is a {'special ' if name in SPECIAL - {'source'} else ''}shell builtin"
    path = find_path(shell, name)
    return path and (path if short else f"{name} is {path}")


@builtin("type")
async def type_(shell: Shell, args: list[str]) -> int:
    status = 0
    for name in args[1:]:
        text = explain(shell, name, short=False)
        await shell.write((text or f"{name}: not found") + "\n")
        status = status if text else 127
    return status


@builtin("command")
async def command(shell: Shell, args: list[str]) -> int:
    words = args[1:]
    if words and words[0] in ("-v", "-V"):
        if len(words) < 2:
            return 0
        text = explain(shell, words[1], short=words[0] == "-v")
        if text:
            await shell.write(text + "\n")
        elif words[0] == "-V":
            await shell.write(f"{words[1]}: not found\n")
        return 0 if text else 127
    if words and words[0] in ("-p", "--"):
        words = words[1:]
    if not words:
        return 0
    outer = shell.command_name
    try:
        if words[0] in BUILTINS:
            shell.command_name = words[0]
            return await BUILTINS[words[0]](shell, words)
        shell.command_name = None if shell.arg0 == "sh" else shell.arg0
        return await shell.external(words, {})
    except ShellError as problem:
        return problem.status
    finally:
        shell.command_name = outer


# --- read and getopts ---

@builtin("read")
async def read(shell: Shell, args: list[str]) -> int:
    words, raw, count, timeout, delimiter, prompt = args[1:], False, math.inf, None, b"\n", ""
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word, words = words[0], words[1:]
        if word == "--":
            break
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "r":
                raw = True
            elif letter == "s":
                pass
            elif letter in "pntdu":
                if not letters and not words:
                    shell.fail(f"No arg for -{letter} option")
                value = letters or words.pop(0)
                letters = ""
                if letter == "p":
                    prompt = value
                elif letter == "n":
                    count = _number(shell, value)
                elif letter == "t":
                    timeout = float(value) if re.fullmatch(r"\d+(\.\d*)?", value) else _number(shell, value)
                elif letter == "d":
                    delimiter = value[:1].encode() or b"\0"
            else:
                shell.fail(f"Illegal option -{letter}")
    names = [_name(shell, name) for name in words] or ["REPLY"]
    stream = shell.process.fds.get(0)
    if prompt and stream and stream.isatty():
        await shell.write(prompt, 2)
    text: list[tuple[str, bool]] = []
    data = bytearray()
    marks: list[int] = []
    ended = False

    async def collect() -> None:
        nonlocal ended
        escaped = False
        while len(data) < count:
            byte = await stream.read(1)
            if not byte:
                ended = True
                return
            if escaped:
                escaped = False
                if byte != b"\n":
                    marks.append(len(data))
                    data.extend(byte)
            elif byte == b"\\" and not raw:
                escaped = True
            elif byte == delimiter:
                return
            elif byte != b"\0":
                data.extend(byte)

    if stream is None:
        return 1
    import asyncio
    if timeout is not None:
        try:
            await asyncio.wait_for(collect(), shell.process.clock.real(timeout))
        except TimeoutError:
            ended = True
    elif not await shell.either(collect()):
        return 128 + shell.pending[0]
    quoted = set(marks)
    position = 0
    for char in data.decode("utf-8", "surrogateescape"):
        text.append((char, position in quoted))
        position += len(char.encode("utf-8", "surrogateescape"))
    ifs = " \t\n" if shell.get("IFS") is None else shell.get("IFS")
    if words or names != ["REPLY"]:
        values = split_read(text, ifs, len(names))
    else:
        values = ["".join(char for char, _ in text)]
    for name, value in zip(names, values, strict=True):
        shell.assign(name, value)
    return int(ended)


def split_read(text: list[tuple[str, bool]], ifs: str, count: int) -> list[str]:
    """`read`'s fields: `count` values, the last one the rest of the line."""
    blank = [char for char in ifs if char in " \t\n"]

    def is_in(index: int, chars) -> bool:
        return index < len(text) and not text[index][1] and text[index][0] in chars

    values, at = [], 0
    while is_in(at, blank):
        at += 1
    while len(values) < count - 1:
        start = at
        while at < len(text) and not is_in(at, ifs):
            at += 1
        values.append("".join(char for char, _ in text[start:at]))
        while is_in(at, blank):
            at += 1
        if is_in(at, ifs):
            at += 1
            while is_in(at, blank):
                at += 1
    end = len(text)
    while end > at and is_in(end - 1, blank):
        end -= 1
    if end > at and is_in(end - 1, ifs) and not any(is_in(index, ifs) for index in range(at, end - 1)):
        end -= 1
        while end > at and is_in(end - 1, blank):
            end -= 1
    values.append("".join(char for char, _ in text[at:end]))
    return values


@builtin("getopts")
async def getopts(shell: Shell, args: list[str]) -> int:
    if len(args) < 3:
        shell.fail("usage: getopts optstring var [arg]")
    options, name, words = args[1], args[2], args[3:] or shell.positional
    index = int(shell.get("OPTIND") or 1)
    offset = shell.getopts_offset
    silent = options.startswith(":")

    def done(option: str, argument: str | None, status: int) -> int:
        shell.variables["OPTIND"].value = str(index)
        shell.getopts_offset = offset
        if argument is None:
            shell.variables.pop("OPTARG", None)
        else:
            shell.assign("OPTARG", argument)
        shell.assign(name, option)
        return status

    if not offset:
        word = words[index - 1] if index <= len(words) else ""
        if word == "--":
            index += 1
            return done("?", None, 1)
        if len(word) < 2 or word[0] != "-":
            return done("?", None, 1)
        offset = 1
    word = words[index - 1]
    letter = word[offset]
    offset += 1
    at_end = offset >= len(word)
    position = options.find(letter)
    if at_end:
        index, rest, offset = index + 1, "", 0
    else:
        rest = word[offset:]
    if position < 0 or letter == ":":
        if not silent:
            await shell.write(f"Illegal option -{letter}\n", 2)
        return done("?", letter if silent else None, 0)
    if options[position + 1:position + 2] != ":":
        return done(letter, None, 0)
    if rest:
        index, offset = index + 1, 0
        return done(letter, rest, 0)
    if index > len(words):
        if silent:
            return done(":", letter, 0)
        await shell.write(f"No arg for -{letter} option\n", 2)
        return done("?", None, 0)
    argument, index, offset = words[index - 1], index + 1, 0
    return done(letter, argument, 0)


# --- jobs ---

def find_job(shell: Shell, word: str | None) -> Job | None:
    """%1, %%, %+, %-, %text or a pid."""
    jobs = shell.jobs
    if word is None or word in ("%", "%%", "%+"):
        return jobs[-1] if jobs else None
    if word == "%-":
        return jobs[-2] if len(jobs) > 1 else None
    if word.startswith("%"):
        return next((job for job in jobs if str(job.number) == word[1:] or (not word[1:].isdigit() and job.text.startswith(word[1:]))),
                    None)
    return next((job for job in jobs if any(str(process.pid) == word for process in job.processes)), None)


@builtin("jobs")
async def jobs_(shell: Shell, args: list[str]) -> int:
    for job in list(shell.jobs):
        if "-p" in args:
            await shell.write(f"{job.processes[0].pid}\n")
        else:
            line = shell.describe_job(job)
            if "-l" in args:
                bracket, rest = line.split("  ", 1)
                line = f"{bracket}  {job.processes[-1].pid} {rest}"
            await shell.write(line + "\n")
        if job.done:
            shell.jobs.remove(job)
    return 0


@builtin("fg", "bg")
async def fg(shell: Shell, args: list[str]) -> int:
    job = find_job(shell, args[1] if len(args) > 1 else None)
    if job is None:
        shell.fail("No current job" if len(args) == 1 else f"{args[1]}: no such job")
    if not shell.interactive:
        shell.fail(f"job {args[1] if len(args) > 1 else '%1'} not created under job control")
    for process in job.processes:
        process.signal(SIGCONT)
    job.stopped = False
    if args[0] == "bg":
        await shell.write(f"[{job.number}] {job.text}\n")
        return 0
    await shell.write(job.text + "\n")
    shell.jobs.remove(job)
    return await shell.foreground(job.processes, job.text)


@builtin("wait")
async def wait(shell: Shell, args: list[str]) -> int:
    if len(args) == 1:
        for job in list(shell.jobs):
            for process in job.processes:
                if not await shell.either(process.wait()) or shell.pending:
                    return 128 + shell.pending[0]
            if job in shell.jobs:
                shell.jobs.remove(job)
        return 0
    status = 0
    for word in args[1:]:
        job = find_job(shell, word)
        if job is None:
            status = 127
            if word.startswith("%"):
                shell.fail(f"{word}: no such job")
            if not word.isdigit():
                shell.fail(f"Illegal number: {word}")
            continue
        for process in job.processes:
            if not await shell.either(process.wait()) or shell.pending:
                return 128 + shell.pending[0]
        status = job.processes[-1].exit_code
        await shell.tell_killed(job.processes[-1])
    return status


@builtin("kill")
async def kill(shell: Shell, args: list[str]) -> int:
    words = list(args)
    for index, word in enumerate(words):
        if index and word.startswith("%"):
            job = find_job(shell, word)
            if job is None:
                shell.fail(f"{word}: no such job")
            words[index:index + 1] = [str(process.pid) for process in job.processes if process.exit_code is None]
    return await COMMANDS["kill"](Builtin(shell.process, words))


assert all(inspect.iscoroutinefunction(function) for function in BUILTINS.values())
_ = describe
