"""sed: { } = a b c d D e-less g G h H i n N p P q r s t T w-less x y : and addresses."""
import re
from dataclasses import dataclass, field

from ..pace import Pace
from ._applet import Failure, Usage, applet, complain, decode, encode, lines, open_file, put
from .grep import translate_regex


@dataclass
class Address:
    """A line number, `$`, a regex, first~step, or (second addresses only) +N."""
    line: int | None = None
    last: bool = False
    regex: re.Pattern | None = None
    step: int = 0
    plus: bool = False


@dataclass
class Command:
    name: str
    first: Address | None = None
    second: Address | None = None
    negated: bool = False
    text: str = ""
    regex: re.Pattern | None = None
    replacement: list = field(default_factory=list)
    flags: str = ""
    count: int = 0
    target: int = 0
    active: int | None = None


class _Parser:
    def __init__(self, text: str, extended: bool):
        self.text, self.at, self.extended = text, 0, extended
        self.commands: list[Command] = []
        self.labels: dict[str, int] = {}
        self.open: list[int] = []
        self.previous: re.Pattern | None = None

    def parse(self) -> list[Command]:
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\n;":
                self.at += 1
            if self.at >= len(self.text):
                break
            if self.text[self.at] == "#":
                self.rest()
                continue
            self.command()
        if self.open:
            raise Failure("unterminated {")
        for command in self.commands:
            if command.name in "btT" and command.text:
                if command.text not in self.labels:
                    raise Failure(f"can't find label for jump to '{command.text}'")
                command.target = self.labels[command.text]
            elif command.name in "btT":
                command.target = len(self.commands)
        return self.commands

    def peek(self) -> str:
        return self.text[self.at:self.at + 1]

    def rest(self) -> str:
        """To the end of the line."""
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        found, self.at = self.text[self.at:end], end + 1
        return found

    def blanks(self) -> None:
        while self.peek() in (" ", "\t") and self.peek():
            self.at += 1

    def until(self, delimiter: str, in_regex: bool = True) -> str:
        """Text up to an unescaped delimiter, which is taken."""
        out = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == delimiter:
                return "".join(out)
            if char == "\\" and self.at < len(self.text):
                following = self.text[self.at]
                self.at += 1
                out.append(following if following == delimiter and delimiter not in "(){}|+?.*[]^$&" else "\\" + following)
            elif char == "[" and in_regex:
                match = re.compile(r"\^?\]?(?:\[:\w+:\]|[^\]\n])*\]").match(self.text, self.at)
                out.append("[" + match[0] if match else "[")
                self.at = match.end() if match else self.at
            else:
                out.append(char)
        raise Failure(f"unmatched '{delimiter}'")

    def regex(self, text: str, flags: str = "") -> re.Pattern:
        if not text:
            if self.previous is None:
                raise Failure("no previous regexp")
            return self.previous
        try:
            compiled = re.compile(translate_regex(text, self.extended), (re.I if "I" in flags or "i" in flags
                                                                         else 0) | (re.M if "M" in flags else 0))
        except (re.error, OverflowError):
            raise Failure(f"bad regex '{text}'") from None
        self.previous = compiled
        return compiled

    def address(self, second: bool = False) -> Address | None:
        if match := re.compile(r"(\d+)(?:~(\d+))?").match(self.text, self.at):
            self.at = match.end()
            return Address(line=int(match[1]), step=int(match[2] or 0))
        if second and (match := re.compile(r"\+(\d+)").match(self.text, self.at)):
            self.at = match.end()
            return Address(line=int(match[1]), plus=True)
        if self.peek() == "$":
            self.at += 1
            return Address(last=True)
        if self.peek() in ("/", "\\") and self.peek():
            delimiter = "/"
            self.at += 1
            if self.text[self.at - 1] == "\\":
                delimiter = self.peek()
                self.at += 1
            text = self.until(delimiter)
            flags = ""
            if self.peek() == "I":
                self.at += 1
                flags = "I"
            return Address(regex=self.regex(text, flags))
        return None

    def command(self) -> None:
        command = Command("")
        command.first = self.address()
        self.blanks()
        if command.first and self.peek() == ",":
            self.at += 1
            self.blanks()
            command.second = self.address(second=True)
            if command.second is None:
                raise Failure("no address after comma")
            self.blanks()
        while self.peek() == "!":
            self.at += 1
            command.negated = True
            self.blanks()
        if not self.peek():
            raise Failure("missing command")
        command.name = name = self.peek()
        self.at += 1
        if name == "{":
            self.open.append(len(self.commands))
        elif name == "}":
            if not self.open:
                raise Failure("unexpected }")
            self.commands[self.open.pop()].target = len(self.commands)
            return
        elif name in "aic":
            command.text = self.inserted()
        elif name in ":btT":
            self.blanks()
            match = re.compile(r"[^;\n}]*" if name != ":" else r"[^;\n]*").match(self.text, self.at)
            self.at = match.end()
            command.text = match[0].strip()
            if name == ":":
                self.labels[command.text] = len(self.commands)
                return
        elif name in "rw":
            self.blanks()
            command.text = self.rest()
        elif name == "s":
            self.substitute(command)
        elif name == "y":
            delimiter = self.peek()
            self.at += 1
            source, target = self.until(delimiter, False), self.until(delimiter, False)
            source, target = (re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text) for text in (source, target))
            if len(source) != len(target):
                raise Failure("strings for 'y' command are different lengths")
            command.text = (source, target)
        elif name in "qQ":
            self.blanks()
            match = re.compile(r"\d*").match(self.text, self.at)
            self.at, command.count = match.end(), int(match[0] or 0)
        elif name not in "=dDgGhHlnNpPxz":
            raise Failure(f"unsupported command {name}")
        self.commands.append(command)

    def inserted(self) -> str:
        self.blanks()
        if self.peek() == "\\":
            self.at += 1
            self.blanks()
            if self.peek() == "\n":
                self.at += 1
        out = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == "\\" and self.at < len(self.text):
                out.append({"t": "\t"}.get(self.text[self.at], self.text[self.at]))
                self.at += 1
            elif char == "\n":
                break
            else:
                out.append(char)
        return "".join(out) + "\n"

    def substitute(self, command: Command) -> None:
        delimiter = self.peek()
        self.at += 1
        pattern, replacement = self.until(delimiter), self.until(delimiter, False)
        match = re.compile(r"[gpiIMe\d]*").match(self.text, self.at)
        self.at = match.end()
        command.flags = match[0]
        digits = re.search(r"\d+", match[0])
        command.count = int(digits[0]) if digits else 0
        if self.peek() == "w":
            self.at += 1
            self.blanks()
            command.text = self.rest()
        command.regex = self.regex(pattern, command.flags)
        for part in re.finditer(r"\\(\n|.)|(&)|([^\\&]+)", replacement, re.S):
            escape, whole, text = part.groups()
            if whole:
                command.replacement.append(0)
            elif escape is None:
                command.replacement.append(text)
            elif escape.isdigit():
                if int(escape) > command.regex.groups:
                    raise Failure(f"invalid reference \\{escape} on s command's RHS")
                command.replacement.append(int(escape))
            else:
                command.replacement.append({"n": "\n", "t": "\t", "r": "\r"}.get(escape, escape))


class _Script:
    def __init__(self, process, commands: list[Command], quiet: bool):
        self.process, self.commands, self.quiet = process, commands, quiet
        self.hold = ""
        self.number = 0
        self.done: int | None = None
        self.pace = Pace(process)

    async def run(self, source, output) -> None:
        """`source()` gives the next (line, has newline) or None; `output(text)` takes what is printed."""
        self.output = output
        self.queue = []
        self.following = await source()
        self.source = source
        while self.done is None and await self.read():
            await self.cycle()
            await self.pace()

    async def read(self) -> bool:
        if self.following is None:
            return False
        self.space, self.newline = self.following
        self.following = await self.source()
        self.number += 1
        return True

    async def emit(self, text: str, newline: bool = True) -> None:
        await self.output(text + ("\n" if newline else ""))

    def matches(self, address: Address) -> bool:
        if address.last:
            return self.following is None
        if address.regex:
            return address.regex.search(self.space) is not None
        if address.step:
            return self.number >= address.line and (self.number - address.line) % address.step == 0
        return self.number == address.line

    def selected(self, command: Command) -> bool:
        if command.first is None:
            return not command.negated
        if command.second is None:
            return self.matches(command.first) != command.negated
        if command.active is None:
            chosen = self.matches(command.first)
            if chosen:
                second = command.second
                if second.plus:
                    command.active = self.number + second.line
                elif second.line is not None and not second.step:
                    command.active = second.line
                else:
                    command.active = -1
                if command.active != -1 and command.active <= self.number:
                    command.active = None
        else:
            chosen = True
            if command.active == -1:
                if self.matches(command.second):
                    command.active = None
            elif self.number >= command.active:
                chosen = self.number == command.active
                command.active = None
        return chosen != command.negated

    async def cycle(self) -> None:
        at, restarted = 0, True
        while restarted:
            restarted, at, substituted, deleted = False, 0, False, False
            while at < len(self.commands):
                command = self.commands[at]
                at += 1
                if not self.selected(command):
                    if command.name == "{":
                        at = command.target
                    continue
                match command.name:
                    case "d":
                        deleted = True
                        break
                    case "D":
                        _first, newline, rest = self.space.partition("\n")
                        deleted = True
                        if newline:
                            self.space, restarted = rest, True
                        break
                    case "p":
                        await self.emit(self.space)
                    case "P":
                        await self.emit(self.space.partition("\n")[0])
                    case "=":
                        await self.emit(str(self.number))
                    case "l":
                        await self.emit(self.space.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") + "$")
                    case "s":
                        substituted |= await self.substitute(command)
                    case "y":
                        self.space = self.space.translate(str.maketrans(*command.text))
                    case "a":
                        self.queue.append(command.text)
                    case "i":
                        await self.output(command.text)
                    case "c":
                        if command.second is None or command.active is None or command.negated:
                            await self.output(command.text)
                        deleted = True
                        break
                    case "r":
                        try:
                            self.queue.append(decode(self.process.fs.read(command.text)))
                        except OSError:
                            pass
                    case "w":
                        self.process.fs.append(command.text, encode(self.space + "\n"))
                    case "g":
                        self.space = self.hold
                    case "G":
                        self.space += "\n" + self.hold
                    case "h":
                        self.hold = self.space
                    case "H":
                        self.hold += "\n" + self.space
                    case "x":
                        self.space, self.hold = self.hold, self.space
                    case "z":
                        self.space = ""
                    case "n" | "N":
                        if self.following is None:
                            if not self.quiet:
                                await self.emit(self.space, self.newline)
                            await self.flush()
                            self.done = 0
                            return
                        if command.name == "n":
                            if not self.quiet:
                                await self.emit(self.space)
                            await self.flush()
                            await self.read()
                        else:
                            before = self.space
                            await self.flush()
                            await self.read()
                            self.space = f"{before}\n{self.space}"
                    case "b":
                        at = command.target
                    case "t":
                        if substituted:
                            substituted, at = False, command.target
                    case "T":
                        if not substituted:
                            at = command.target
                        substituted = False
                    case "q" | "Q":
                        self.done = command.count
                        deleted |= command.name == "Q"
                        break
                if command.name in "btT":
                    await self.pace()
            if not deleted and not self.quiet:
                await self.emit(self.space, self.newline or bool(self.queue))
            await self.flush()

    async def flush(self) -> None:
        queue, self.queue = self.queue, []
        for text in queue:
            await self.output(text)

    async def substitute(self, command: Command) -> bool:
        seen, changed, last_end = 0, False, -1

        def replace(match: re.Match) -> str:
            nonlocal seen, changed, last_end
            if match[0] == "" and match.start() == last_end:
                return ""
            last_end = match.end()
            seen += 1
            if seen < max(command.count, 1) or (seen > max(command.count, 1) and "g" not in command.flags):
                return match[0]
            changed = True
            return expand(command.replacement, match)

        self.space = command.regex.sub(replace, self.space)
        if changed and "p" in command.flags:
            await self.emit(self.space)
        if changed and command.text:
            self.process.fs.append(command.text, encode(self.space + "\n"))
        return changed


def expand(replacement: list, match: re.Match) -> str:
    """The replacement's text; numbers in it are groups."""
    return "".join((match[part] or "") if isinstance(part, int) else part for part in replacement)


@applet("sed", "[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...", "nrEsze:f:i", {"expression=": "e", "quiet": "n", "silent": "n",
                                                                                     "in-place": "i", "regexp-extended": "E"})
async def sed(process, options, arguments):
    scripts = [value if key == "e" else decode(process.fs.read(value)).removesuffix("\n") for key, value in options.pairs if key in "ef"]
    if not scripts:
        if not arguments:
            raise Usage
        scripts, arguments = [arguments[0]], arguments[1:]
    commands = _Parser("\n".join(scripts), bool(options["r"] or options["E"])).parse()
    quiet = bool(options["n"]) or scripts[0].startswith("#n\n")
    status = 0
    if options["i"]:
        for name in arguments:
            collected: list[str] = []

            async def collect(text: str, into=collected) -> None:
                into.append(text)
            try:
                info = process.fs.stat(name)
                script = _Script(process, commands, quiet)
                await script.run(_source([process.fs.open(name)], process), collect)
                process.fs.write(name, encode("".join(collected)), info.mode & 0o777)
            except OSError as problem:
                await complain(process, f"{name}: {problem.strerror}")
                status = 1
        return status
    streams = []
    for name in arguments or ["-"]:
        try:
            if process.fs.isdir(name):
                raise IsADirectoryError(21, "Is a directory")
            streams.append(open_file(process, name))
        except IsADirectoryError:
            await complain(process, f"read error from '{name}': Is a directory")
            status = 1
        except OSError as problem:
            await complain(process, f"{name}: {problem.strerror}")
            status = 1

    async def output(text: str) -> None:
        await put(process, text)

    script = _Script(process, commands, quiet)
    try:
        await script.run(_source(streams, process), output)
    finally:
        for stream in streams:
            stream.close()
    return script.done or status


def _source(streams, process):
    async def all_lines():
        for stream in streams:
            async for line in lines(process, stream):
                yield line

    iterator = all_lines()

    async def following():
        try:
            line = await anext(iterator)
        except StopAsyncIteration:
            return None
        text = decode(line)
        return text.removesuffix("\n"), text.endswith("\n")
    return following
