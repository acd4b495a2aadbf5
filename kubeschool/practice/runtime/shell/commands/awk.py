"""awk: POSIX awk's language (XBD awk grammar), interpreted from a syntax tree of tuples."""
import math
import random
import re
import time
from collections.abc import Callable

from ...shell.parser import unescape
from ..pace import Pace
from ._applet import Failure, Usage, applet, decode, encode, lines, open_file, put
from .grep import translate_regex
from .printf import SPECIFICATION

TOKEN = re.compile(r"""
    (?P<space>[ \t\r]+|\\\n|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
  | (?P<string>"(?:[^"\\\n]|\\.|\\\n)*")
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator>\*\*=|\*\*|&&|\|\||\+\+|--|[-+*/%^!<>=]=|>>|!~|[-{}()\[\];,+*/%^!<>|?:~$=&])
""", re.X | re.S)
KEYWORDS = {"BEGIN", "END", "function", "func", "if", "else", "while", "for", "do", "break", "continue", "next", "nextfile", "exit",
            "return", "delete",
            "in", "getline", "print", "printf"}
FUNCTIONS = {"length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "sin", "cos", "atan2", "exp", "log", "sqrt", "int",
             "rand",
             "srand", "tolower", "toupper", "system", "close", "fflush", "systime", "strftime", "gensub", "and", "or", "xor", "lshift",
             "rshift", "compl"}
NUMERIC = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
PREFIX = re.compile(r"\s*[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


class Text(str):
    """Input that looks numeric compares as a number."""

    __slots__ = ()


class Next(Exception):
    pass


class NextFile(Exception):
    pass


class Leave(Exception):
    pass


class Again(Exception):
    pass


class Exit(Exception):
    pass


class Return(Exception):
    def __init__(self, value):
        self.value = value


# --- parsing ---

class Parser:
    def __init__(self, text: str):
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        self.functions: dict[str, tuple[list[str], list]] = {}
        self._scan(text)

    def _scan(self, text: str) -> None:
        position, line = 0, 1
        while position < len(text):
            previous = self.tokens[-1] if self.tokens else ("newline", "\n", 1)
            may_be_regex = not (previous[0] in ("number", "string", "regex") or previous[1] in (")", "]", "$", "++", "--")
                                or (previous[0] == "name" and previous[1] not in KEYWORDS))
            if text[position] == "/" and may_be_regex:
                match = re.compile(r"/((?:[^/\\\n\[]|\\.|\[\^?\]?(?:\[:\w+:\]|[^\]\n])*\])*)/").match(text, position)
                if not match:
                    raise Failure(f"cmd. line:{line}: Unexpected token")
                self.tokens.append(("regex", match[1].replace("\\/", "/"), line))
                position = match.end()
                continue
            match = TOKEN.match(text, position)
            if not match:
                raise Failure(f"cmd. line:{line}: Unexpected token")
            kind, value = match.lastgroup, match[0]
            position = match.end()
            if kind == "name" and value in KEYWORDS:
                kind = "keyword"
            elif kind == "name" and text[position:position + 1] == "(":
                kind = "builtin" if value in FUNCTIONS else "call"
            elif kind == "name" and value in FUNCTIONS:
                kind = "builtin"
            if kind == "string":
                value = unescape(value[1:-1].replace("\\\n", "").replace("\\/", "/").replace('\\"', '"'))
            if kind != "space":
                self.tokens.append((kind, value, line))
            line += match[0].count("\n")
        self.tokens.append(("end", "", line))

    # tokens

    def is_(self, *values: str) -> bool:
        kind, value, _ = self.tokens[self.at]
        return kind in ("operator", "keyword", "newline") and value in values

    def take(self, *values: str) -> str | None:
        if self.is_(*values):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def need(self, value: str) -> None:
        if not self.take(value):
            self.unexpected()

    def unexpected(self):
        raise Failure(f"cmd. line:{self.tokens[self.at][2]}: Unexpected token")

    def newlines(self) -> None:
        while self.take("\n"):
            pass

    def terminators(self) -> None:
        while self.take("\n", ";"):
            pass

    # grammar

    def program(self) -> list[tuple]:
        """(kind, pattern, action): kind BEGIN, END, "pattern" or "range"."""
        items = []
        self.terminators()
        while self.tokens[self.at][0] != "end":
            if self.take("function", "func"):
                self.function()
            elif self.is_("BEGIN", "END"):
                kind = self.take("BEGIN", "END")
                self.newlines()
                items.append((kind, None, self.block()))
            else:
                first = second = None
                if not self.is_("{"):
                    first = self.expression()
                    if self.take(","):
                        self.newlines()
                        second = self.expression()
                action = self.block() if self.is_("{") else None
                items.append(("range", [first, second, False], action) if second else ("pattern", first, action))
            self.terminators()
        return items

    def function(self) -> None:
        name = self.tokens[self.at][1]
        self.at += 1
        self.need("(")
        names = []
        while not self.take(")"):
            names.append(self.tokens[self.at][1])
            self.at += 1
            self.take(",")
            self.newlines()
        self.newlines()
        self.functions[name] = (names, self.block())

    def block(self) -> list:
        self.need("{")
        statements = []
        self.terminators()
        while not self.take("}"):
            if self.tokens[self.at][0] == "end":
                self.unexpected()
            statements.append(self.statement())
            self.terminators()
        return statements

    def body(self) -> list:
        self.newlines()
        if self.take(";"):
            return []
        return self.block() if self.is_("{") else [self.statement()]

    def end(self) -> None:
        if not self.is_("}") and self.tokens[self.at][0] != "end" and not self.take(";", "\n"):
            self.unexpected()

    def statement(self) -> tuple:
        if self.is_("{"):
            return ("block", self.block())
        if self.take("if"):
            self.need("(")
            condition = self.expression()
            self.need(")")
            then = self.body()
            mark = self.at
            self.terminators()
            if self.take("else"):
                return ("if", condition, then, self.body())
            self.at = mark
            return ("if", condition, then, [])
        if self.take("while"):
            self.need("(")
            condition = self.expression()
            self.need(")")
            return ("while", condition, self.body())
        if self.take("do"):
            body = self.body()
            self.terminators()
            self.need("while")
            self.need("(")
            condition = self.expression()
            self.need(")")
            return ("do", condition, body)
        if self.take("for"):
            return self.for_()
        for word in ("break", "continue", "next", "nextfile"):
            if self.take(word):
                self.end()
                return (word,)
        if self.take("exit"):
            value = None if self.is_(";", "\n", "}") or self.tokens[self.at][0] == "end" else self.expression()
            self.end()
            return ("exit", value)
        if self.take("return"):
            value = None if self.is_(";", "\n", "}") else self.expression()
            self.end()
            return ("return", value)
        if self.take("delete"):
            name = self.tokens[self.at][1]
            self.at += 1
            keys = None
            if self.take("["):
                keys = self.list_("]")
            self.end()
            return ("delete", name, keys)
        node = self.simple()
        self.end()
        return node

    def for_(self) -> tuple:
        self.need("(")
        kinds = [token[0] for token in self.tokens[self.at:self.at + 4]]
        values = [token[1] for token in self.tokens[self.at:self.at + 4]]
        if kinds[:1] == ["name"] and values[1] == "in" and values[3] == ")":
            self.at += 4
            return ("for in", values[0], values[2], self.body())
        start = None if self.is_(";") else self.simple()
        self.need(";")
        self.newlines()
        condition = None if self.is_(";") else self.expression()
        self.need(";")
        self.newlines()
        step = None if self.is_(")") else self.simple()
        self.need(")")
        return ("for", start, condition, step, self.body())

    def simple(self) -> tuple:
        kind = self.take("print", "printf")
        if not kind:
            return ("expression", self.expression())
        arguments: list = []
        if not self.is_(";", "\n", "}", ">", ">>", "|") and self.tokens[self.at][0] != "end":
            mark = self.at
            if self.take("("):
                arguments = self.list_(")")
                if not (self.is_(";", "\n", "}", ">", ">>", "|") or self.tokens[self.at][0] == "end"):
                    self.at = mark
                    arguments = self.expressions(no_gt=True)
            else:
                arguments = self.expressions(no_gt=True)
        target = self.take(">", ">>", "|")
        return (kind, arguments, target, self.concatenation(no_gt=True) if target else None)

    def expressions(self, no_gt: bool = False) -> list:
        found = [self.expression(no_gt)]
        while self.take(","):
            self.newlines()
            found.append(self.expression(no_gt))
        return found

    def list_(self, closing: str) -> list:
        found = []
        while not self.take(closing):
            found.append(self.expression())
            if not self.take(","):
                self.need(closing)
                break
            self.newlines()
        return found

    def expression(self, no_gt: bool = False):
        condition = self.either(no_gt)
        if self.take("?"):
            self.newlines()
            first = self.expression(no_gt)
            self.newlines()
            self.need(":")
            self.newlines()
            return ("?:", condition, first, self.expression(no_gt))
        operator = self.take("=", "+=", "-=", "*=", "/=", "%=", "^=", "**=")
        if operator:
            if condition[0] not in ("name", "field", "index"):
                self.unexpected()
            self.newlines()
            return ("=", operator[:-1].replace("**", "^"), condition, self.expression(no_gt))
        return condition

    def either(self, no_gt: bool):
        left = self.both(no_gt)
        while self.take("||"):
            self.newlines()
            left = ("||", left, self.both(no_gt))
        return left

    def both(self, no_gt: bool):
        left = self.membership(no_gt)
        while self.take("&&"):
            self.newlines()
            left = ("&&", left, self.membership(no_gt))
        return left

    def membership(self, no_gt: bool):
        left = self.matching(no_gt)
        while self.take("in"):
            left = ("in", [left] if left[0] != "group" else left[1], self.tokens[self.at][1])
            self.at += 1
        return left

    def matching(self, no_gt: bool):
        left = self.comparison(no_gt)
        while operator := self.take("~", "!~"):
            left = (operator, left, self.comparison(no_gt))
        return left

    def comparison(self, no_gt: bool):
        left = self.concatenation(no_gt)
        operator = self.take("<", "<=", "==", "!=", ">=") or (None if no_gt else self.take(">"))
        if operator:
            return ("compare", operator, left, self.concatenation(no_gt))
        if self.is_("|") and self.tokens[self.at + 1][1] == "getline":
            while self.is_("|") and self.tokens[self.at + 1][1] == "getline":
                self.at += 2
                left = ("getline", "|", left, self.optional_target())
        return left

    def concatenation(self, no_gt: bool = False):
        left = self.sum()
        while True:
            kind, value, _ = self.tokens[self.at]
            if kind in ("number", "string", "name", "builtin", "call", "regex") or (kind == "operator" and value in ("$", "!", "(", "-",
                                                                                                                     "+", "++", "--")):
                if kind == "operator" and value in ("-", "+"):
                    return left
                left = ("concat", left, self.sum())
            else:
                return left

    def sum(self):
        left = self.product()
        while operator := self.take("+", "-"):
            left = ("arithmetic", operator, left, self.product())
        return left

    def product(self):
        left = self.unary()
        while operator := self.take("*", "/", "%"):
            left = ("arithmetic", operator, left, self.unary())
        return left

    def unary(self):
        if self.take("!"):
            return ("!", self.unary())
        if self.take("-"):
            return ("negative", self.unary())
        if self.take("+"):
            return ("positive", self.unary())
        return self.power()

    def power(self):
        left = self.postfix()
        if self.take("^", "**"):
            right = ("negative", self.power()) if self.take("-") else self.power()
            return ("arithmetic", "^", left, right)
        return left

    def postfix(self):
        left = self.primary()
        if left[0] in ("name", "field", "index") and (operator := self.take("++", "--")):
            return ("postfix", operator, left)
        return left

    def optional_target(self):
        if self.tokens[self.at][0] == "name" or self.is_("$"):
            return self.postfix()
        return None

    def primary(self):
        kind, value, _ = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return ("constant", float(int(value, 16)) if value[:2] in ("0x", "0X") else float(value))
        if kind == "string":
            return ("constant", value)
        if kind == "regex":
            return ("regex", compiled(value))
        if kind == "name":
            if self.take("["):
                return ("index", value, self.list_("]"))
            return ("name", value)
        if kind == "builtin":
            arguments = self.list_(")") if self.take("(") else None
            return ("builtin", value, arguments)
        if kind == "call":
            self.need("(")
            return ("call", value, self.list_(")"))
        if kind == "keyword" and value == "getline":
            target = self.optional_target()
            if self.take("<"):
                return ("getline", "<", self.primary(), target)
            return ("getline", None, None, target)
        if value == "$":
            if operator := self.take("++", "--"):
                return ("field", ("prefix", operator, self.primary()))
            if self.take("-"):
                return ("field", ("negative", self.primary()))
            return ("field", self.primary())
        if value in ("++", "--"):
            return ("prefix", value, self.primary())
        if value == "(":
            found = self.expressions()
            self.need(")")
            return ("group", found) if len(found) > 1 or self.is_("in") else ("paren", found[0])
        if value == "-":
            return ("negative", self.unary())
        self.at -= 1
        self.unexpected()


# --- values ---

def compiled(pattern: str) -> re.Pattern:
    try:
        return re.compile(translate_regex(pattern, extended=True))
    except re.error:
        raise Failure(f"bad regex '{pattern}'") from None


def to_number(value) -> float:
    if isinstance(value, float):
        return value
    match = PREFIX.match(value)
    if not match:
        return 0.0
    text = match[0].strip()
    return float(int(text, 16)) if "x" in text.lower() else float(text)


def format_number(value: float, form: str) -> str:
    if math.isnan(value) or math.isinf(value):
        return str(value)
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return form % value


def truth(value) -> bool:
    if isinstance(value, float):
        return value != 0
    if isinstance(value, Text) and NUMERIC.fullmatch(value):
        return float(value) != 0
    return value != ""


class Interpreter:
    def __init__(self, process, parser: Parser):
        self.process = process
        self.items = parser.program()
        self.functions = parser.functions
        self.globals: dict = {"NR": 0.0, "NF": 0.0, "FNR": 0.0, "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "SUBSEP": "\x1c",
                              "CONVFMT": "%.6g",
                              "OFMT": "%.6g", "FILENAME": "", "RSTART": 0.0, "RLENGTH": -1.0, "ENVIRON": {k: Text(v) for k,
                                                                                                          v in process.env.items()}}
        self.frames: list[dict] = []
        self.fields: list = [""]
        self.streams: dict[str, object] = {}
        self.readers: dict[str, object] = {}
        self.children: dict[str, object] = {}
        self.status = 0
        self.pace = Pace(process)
        self.random = random.Random(0)
        self.seed = 0.0
        self.source = None

    # running

    async def run(self, names: list[str]) -> int:
        has_input = any(kind in ("pattern", "range", "END") for kind, _, _ in self.items)
        self.arguments = list(names)
        try:
            for kind, _, action in self.items:
                if kind == "BEGIN":
                    await self.block(action)
            if has_input:
                while await self.next_record():
                    try:
                        await self.record()
                    except Next:
                        continue
                    except NextFile:
                        self.source = None
        except Exit:
            pass
        try:
            for kind, _, action in self.items:
                if kind == "END":
                    await self.block(action)
        except Exit:
            pass
        for name in [*self.streams, *self.readers, *self.children]:
            await self.close(name)
        return self.status

    async def record(self) -> None:
        for kind, pattern, action in self.items:
            if kind in ("BEGIN", "END"):
                continue
            if kind == "range":
                first, second, active = pattern
                if not active and not truth(await self.value(first)):
                    continue
                pattern[2] = not truth(await self.value(second))
            elif pattern is not None and not truth(await self.value(pattern)):
                continue
            if action is None:
                await put(self.process, self.text(self.fields[0]) + self.text(self.globals["ORS"]))
            else:
                await self.block(action)
        await self.pace()

    async def next_record(self) -> bool:
        while True:
            if self.source is None and not await self.next_file():
                return False
            record = await self.read_from(self.source)
            if record is None:
                self.source = None
                continue
            self.globals["NR"] = to_number(self.globals["NR"]) + 1
            self.globals["FNR"] = to_number(self.globals["FNR"]) + 1
            self.set_record(record)
            return True

    async def next_file(self) -> bool:
        while self.arguments is not None:
            if not self.arguments:
                if self.globals.get(" used"):
                    return False
                name = "-"
            else:
                name = self.arguments.pop(0)
                if match := re.fullmatch(r"([A-Za-z_]\w*)=(.*)", name, re.S):
                    self.globals[match[1]] = Text(unescape(match[2]))
                    continue
            self.globals[" used"] = 1.0
            try:
                stream = open_file(self.process, name)
            except OSError as problem:
                raise Failure(f"{name}: {problem.strerror}") from None
            self.globals["FILENAME"], self.globals["FNR"] = ("" if name == "-" else name), 0.0
            self.source = lines(self.process, stream)
            return True
        return False

    async def read_from(self, source) -> str | None:
        separator = self.text(self.globals["RS"])
        if separator == "\n":
            try:
                return decode(await anext(source)).removesuffix("\n")
            except StopAsyncIteration:
                return None
        return await self.read_separated(source, separator)

    async def read_separated(self, source, separator: str) -> str | None:
        """RS other than a newline: a character, a regex, or "" for paragraphs."""
        waiting = self.globals.setdefault(" waiting", {})
        text = waiting.pop(id(source), None)
        if text is None:
            text = "".join([decode(line) async for line in source])
            if not separator:
                text = text.strip("\n")
        if not text or (text == "\n" and separator != "\n"):
            return None
        if not separator:
            pieces = re.split(r"\n\n+", text, maxsplit=1)
        elif len(separator) == 1:
            pieces = text.split(separator, 1)
        else:
            pieces = re.split(compiled(separator), text, maxsplit=1)
        waiting[id(source)] = pieces[1] if len(pieces) > 1 else ""
        return pieces[0] if len(pieces) > 1 or not separator else pieces[0].removesuffix("\n")

    def set_record(self, record: str) -> None:
        self.fields = [Text(record), *(Text(field) for field in self.split(record, self.text(self.globals["FS"])))]
        self.globals["NF"] = float(len(self.fields) - 1)

    def split(self, text: str, separator) -> list[str]:
        if isinstance(separator, re.Pattern):
            return _pieces(separator, text) if text else []
        if separator == " ":
            return text.split()
        if not text:
            return []
        if len(separator) == 1 and separator != "\\":
            return text.split(separator)
        if not separator:
            return list(text)
        return _pieces(compiled(separator), text)

    def text(self, value) -> str:
        return format_number(value, self.globals["CONVFMT"]) if isinstance(value, float) else value

    # statements

    async def block(self, statements: list) -> None:
        for statement in statements:
            await self.statement(statement)

    async def statement(self, node: tuple) -> None:
        match node:
            case ("expression", expression):
                await self.value(expression)
            case ("print", arguments, target, name):
                if arguments:
                    values = [await self.value(argument) for argument in arguments]
                    text = self.globals["OFS"].join(format_number(value, self.globals["OFMT"]) if isinstance(value,
                                                                                                             float)
                                                    else value for value in values)
                else:
                    text = self.text(self.fields[0])
                await self.output(text + self.text(self.globals["ORS"]), target, name)
            case ("printf", arguments, target, name):
                values = [await self.value(argument) for argument in arguments]
                await self.output(self.format(values), target, name)
            case ("if", condition, then, otherwise):
                await self.block(then if truth(await self.value(condition)) else otherwise)
            case ("while", condition, body):
                await self.loop(condition, None, body)
            case ("do", condition, body):
                if await self.once(body):
                    await self.loop(condition, None, body)
            case ("for", start, condition, step, body):
                if start:
                    await self.statement(start)
                await self.loop(condition, step, body)
            case ("for in", name, array, body):
                for key in list(self.array(array)):
                    self.assign_name(name, Text(key))
                    if not await self.once(body):
                        break
            case ("block", body):
                await self.block(body)
            case ("next",):
                raise Next
            case ("nextfile",):
                raise NextFile
            case ("break",):
                raise Leave
            case ("continue",):
                raise Again
            case ("exit", value):
                if value is not None:
                    self.status = int(to_number(await self.value(value))) & 255
                raise Exit
            case ("return", value):
                raise Return(await self.value(value) if value is not None else "")
            case ("delete", name, keys):
                if keys is None:
                    self.array(name).clear()
                else:
                    self.array(name).pop(await self.key(keys), None)

    async def once(self, body: list) -> bool:
        await self.pace()
        try:
            await self.block(body)
        except Leave:
            return False
        except Again:
            pass
        return True

    async def loop(self, condition, step, body: list) -> None:
        while condition is None or truth(await self.value(condition)):
            if not await self.once(body):
                return
            if step:
                await self.statement(step)

    async def output(self, text: str, target: str | None, name) -> None:
        if not target:
            return await put(self.process, text)
        path = self.text(await self.value(name))
        if path == "/dev/stderr":
            return await put(self.process, text, 2)
        if path == "/dev/stdout":
            return await put(self.process, text)
        if path not in self.streams:
            if target == "|":
                from ...streams import Pipe
                pipe = Pipe()
                self.children[path] = self.process.spawn(["sh", "-c", path], stdin=pipe.reader)
                self.streams[path] = pipe.writer
            else:
                self.streams[path] = self.process.fs.open(path, "w" if target == ">" else "a")
        stream = self.streams[path]
        stream.write(encode(text))
        await stream.drain()

    async def close(self, name: str) -> float:
        stream = self.streams.pop(name, None)
        if stream:
            stream.close()
        reader = self.readers.pop(name, None)
        child = self.children.pop(name, None)
        if child:
            return float(await child.wait())
        return 0.0 if stream or reader else -1.0

    # expressions

    async def value(self, node):
        match node:
            case ("constant", value):
                return value
            case ("name", name):
                value = self.frames[-1].get(name) if self.frames and name in self.frames[-1] else self.globals.get(name)
                return Text("") if value is None else value
            case ("field", index):
                number = int(to_number(await self.value(index)))
                if number < 0:
                    raise Failure("access to negative field")
                return self.fields[number] if number < len(self.fields) else Text("")
            case ("index", name, keys):
                return self.array(name).setdefault(await self.key(keys), Text(""))
            case ("paren", inner):
                return await self.value(inner)
            case ("concat", left, right):
                first = self.text(await self.value(left))
                return first + self.text(await self.value(right))
            case ("arithmetic", operator, left, right):
                a = to_number(await self.value(left))
                return calculate(operator, a, to_number(await self.value(right)))
            case ("compare", operator, left, right):
                a = await self.value(left)
                return compare(operator, a, await self.value(right), self.text)
            case ("=", operator, target, right):
                value = await self.value(right)
                if operator:
                    value = calculate(operator, to_number(await self.value(target)), to_number(value))
                return await self.assign(target, value)
            case ("&&", left, right):
                return float(truth(await self.value(left)) and truth(await self.value(right)))
            case ("||", left, right):
                return float(truth(await self.value(left)) or truth(await self.value(right)))
            case ("!", inner):
                return float(not truth(await self.value(inner)))
            case ("negative", inner):
                return -to_number(await self.value(inner))
            case ("positive", inner):
                return to_number(await self.value(inner))
            case ("?:", condition, first, second):
                return await self.value(first if truth(await self.value(condition)) else second)
            case ("regex", pattern):
                return float(pattern.search(self.text(self.fields[0])) is not None)
            case ("~" | "!~" as operator, left, right):
                text = self.text(await self.value(left))
                return float((await self.pattern(right)).search(text) is not None) if operator == "~" else float(
                    (await self.pattern(right)).search(text) is None)
            case ("in", keys, name):
                return float(await self.key(keys) in self.array(name))
            case ("prefix" | "postfix" as kind, operator, target):
                old = to_number(await self.value(target))
                new = old + (1 if operator == "++" else -1)
                await self.assign(target, new)
                return new if kind == "prefix" else old
            case ("builtin", name, arguments):
                return await self.builtin(name, arguments)
            case ("call", name, arguments):
                return await self.call(name, arguments)
            case ("getline", how, source, target):
                return await self.getline(how, source, target)
            case ("group", values):
                return self.globals["SUBSEP"].join([self.text(await self.value(value)) for value in values])
        raise Failure("cmd. line:1: Unexpected token")

    async def key(self, keys: list) -> str:
        return self.globals["SUBSEP"].join([self.text(await self.value(key)) for key in keys])

    async def pattern(self, node) -> re.Pattern:
        return node[1] if node[0] == "regex" else compiled(self.text(await self.value(node)))

    def array(self, name: str) -> dict:
        scope = self.frames[-1] if self.frames and name in self.frames[-1] else self.globals
        value = scope.get(name)
        if value is None:
            value = scope[name] = {}
        if not isinstance(value, dict):
            raise Failure("cmd. line:1: Not an array")
        return value

    def assign_name(self, name: str, value) -> None:
        scope = self.frames[-1] if self.frames and name in self.frames[-1] else self.globals
        scope[name] = value
        if name == "NF" and scope is self.globals:
            count = int(to_number(value))
            self.fields[1:] = (self.fields[1:] + [Text("")] * count)[:count]
            self.join()

    def join(self) -> None:
        self.fields[0] = Text(self.text(self.globals["OFS"]).join(self.text(field) for field in self.fields[1:]))

    async def assign(self, target: tuple, value):
        if target[0] == "name":
            self.assign_name(target[1], value)
        elif target[0] == "index":
            key = await self.key(target[2])
            self.array(target[1])[key] = value
        elif target[0] == "field":
            number = int(to_number(await self.value(target[1])))
            if number == 0:
                self.set_record(self.text(value))
            else:
                while len(self.fields) <= number:
                    self.fields.append(Text(""))
                self.fields[number] = Text(self.text(value))
                self.globals["NF"] = float(len(self.fields) - 1)
                self.join()
        return value

    async def getline(self, how, source, target) -> float:
        if how is None:
            while True:
                if self.source is None and not await self.next_file():
                    return 0.0
                record = await self.read_from(self.source)
                if record is not None:
                    break
                self.source = None
            self.globals["NR"] += 1
            self.globals["FNR"] += 1
        else:
            name = self.text(await self.value(source))
            if name not in self.readers:
                if how == "|":
                    from ...streams import Pipe
                    pipe = Pipe()
                    self.children[name] = self.process.spawn(["sh", "-c", name], stdout=pipe.writer)
                    self.readers[name] = lines(self.process, pipe.reader)
                else:
                    try:
                        self.readers[name] = lines(self.process, open_file(self.process, name))
                    except OSError:
                        return -1.0
            record = await self.read_from(self.readers[name])
            if record is None:
                return 0.0
            if how == "|":
                self.globals["NR"] += 1
        if target:
            await self.assign(target, Text(record))
        else:
            self.set_record(record)
        return 1.0

    async def call(self, name: str, arguments: list):
        if name not in self.functions:
            raise Failure("cmd. line:1: Call to undefined function")
        names, body = self.functions[name]
        frame: dict = dict.fromkeys(names)
        passed: list[tuple[str, str, dict]] = []
        for parameter, argument in zip(names, arguments, strict=False):
            if argument[0] == "name":
                scope = self.frames[-1] if self.frames and argument[1] in self.frames[-1] else self.globals
                value = scope.get(argument[1])
                if value is None:
                    passed.append((parameter, argument[1], scope))
                frame[parameter] = value
            else:
                frame[parameter] = await self.value(argument)
        if len(self.frames) > 100:
            raise Failure("out of memory")
        self.frames.append(frame)
        try:
            await self.block(body)
            return Text("")
        except Return as leaving:
            return leaving.value
        finally:
            self.frames.pop()
            for parameter, outer, scope in passed:
                if isinstance(frame[parameter], dict) and scope.get(outer) is None:
                    scope[outer] = frame[parameter]

    async def builtin(self, name: str, arguments: list | None):
        nodes = arguments or []
        if name in ("split", "sub", "gsub", "match", "length", "gensub"):
            return await self.text_function(name, nodes)
        values = [await self.value(node) for node in nodes]
        numbers = [to_number(value) for value in values]
        texts = [self.text(value) for value in values]
        match name:
            case "substr":
                start = round(numbers[1])
                end = start + round(numbers[2]) if len(numbers) > 2 else math.inf
                first = max(start, 1)
                return texts[0][first - 1:] if end == math.inf else texts[0][first - 1:max(int(end) - 1, 0)]
            case "index":
                return float(texts[0].find(texts[1]) + 1)
            case "sprintf":
                return self.format(values)
            case "tolower":
                return texts[0].lower()
            case "toupper":
                return texts[0].upper()
            case "int":
                return float(math.trunc(numbers[0]))
            case "sqrt":
                return math.sqrt(numbers[0]) if numbers[0] >= 0 else math.nan
            case "exp":
                return math.exp(min(numbers[0], 709))
            case "log":
                return math.log(numbers[0]) if numbers[0] > 0 else -math.inf if numbers[0] == 0 else math.nan
            case "sin":
                return math.sin(numbers[0])
            case "cos":
                return math.cos(numbers[0])
            case "atan2":
                return math.atan2(numbers[0], numbers[1])
            case "rand":
                return self.random.random()
            case "srand":
                old, self.seed = self.seed, numbers[0] if numbers else time.time()
                self.random.seed(self.seed)
                return old
            case "system":
                return float(await self.process.spawn(["sh", "-c", texts[0]]).wait())
            case "close":
                return await self.close(texts[0])
            case "fflush":
                return 0.0
            case "systime":
                return float(int(time.time()))
            case "strftime":
                from .date import strftime
                return strftime(texts[0] if texts else "%c", numbers[1] if len(numbers) > 1 else time.time())
            case "and":
                return float(int(numbers[0]) & int(numbers[1]))
            case "or":
                return float(int(numbers[0]) | int(numbers[1]))
            case "xor":
                return float(int(numbers[0]) ^ int(numbers[1]))
            case "lshift":
                return float(int(numbers[0]) << int(numbers[1]))
            case "rshift":
                return float(int(numbers[0]) >> int(numbers[1]))
            case "compl":
                return float(~int(numbers[0]) & 0xFFFFFFFF)
        raise Failure("cmd. line:1: Unexpected token")

    async def text_function(self, name: str, nodes: list):
        if name == "length":
            if not nodes:
                return float(len(self.text(self.fields[0])))
            if nodes[0][0] == "name":
                value = await self.value(nodes[0])
                if isinstance(value, dict):
                    return float(len(value))
            return float(len(self.text(await self.value(nodes[0]))))
        if name == "split":
            text = self.text(await self.value(nodes[0]))
            array = self.array(nodes[1][1])
            if len(nodes) < 3:
                separator = self.text(self.globals["FS"])
            else:
                separator = nodes[2][1] if nodes[2][0] == "regex" else self.text(await self.value(nodes[2]))
            pieces = self.split(text, separator)
            array.clear()
            array.update({str(index + 1): Text(piece) for index, piece in enumerate(pieces)})
            return float(len(pieces))
        if name == "match":
            found = (await self.pattern(nodes[1])).search(self.text(await self.value(nodes[0])))
            self.globals["RSTART"] = float(found.start() + 1) if found else 0.0
            self.globals["RLENGTH"] = float(found.end() - found.start()) if found else -1.0
            return self.globals["RSTART"]
        pattern = await self.pattern(nodes[0])
        replacement = self.text(await self.value(nodes[1]))
        if name == "gensub":
            how = self.text(await self.value(nodes[2]))
            target = self.text(await self.value(nodes[3])) if len(nodes) > 3 else self.text(self.fields[0])
            return pattern.sub(lambda match: _expand(replacement, match), target, count=0 if how[:1] in "gG" else 1)
        target = nodes[2] if len(nodes) > 2 else ("field", ("constant", 0.0))
        text = self.text(await self.value(target))
        text, count = pattern.subn(lambda match: _expand(replacement, match), text, count=1 if name == "sub" else 0)
        if count:
            await self.assign(target, text)
        return float(count)

    def format(self, values: list) -> str:
        form, values = self.text(values[0]) if values else "", values[1:]
        position, out, at = 0, [], 0

        def following():
            nonlocal at
            at += 1
            return values[at - 1] if at <= len(values) else ""

        for match in SPECIFICATION.finditer(form):
            out.append(form[position:match.start()])
            position = match.end()
            if match[0] == "%%" or match[0] == "\\c":
                out.append("%" if match[0] == "%%" else match[0])
                continue
            flags, width, precision, _, kind = match.groups()
            width = str(int(to_number(following()))) if width == "*" else width or ""
            has_precision = "." in match[0]
            precision = str(int(to_number(following()))) if precision == "*" else precision or ""
            specification = f"%{flags}{width}{'.' + precision if has_precision else ''}"
            value = following()
            if kind == "c":
                text = chr(int(value)) if isinstance(value, float) else value[:1]
                out.append((specification.partition(".")[0] + "s") % text)
            elif kind == "s":
                out.append((specification + "s") % self.text(value))
            elif kind in "diouxX":
                number = to_number(value)
                number = 0 if math.isnan(number) or math.isinf(number) else int(number)
                out.append((specification + ("d" if kind in "iu" else kind)) % number)
            elif kind in "eEfFgG":
                out.append((specification + kind) % to_number(value))
            else:
                raise Failure("cmd. line:1: Invalid format specifier")
        out.append(form[position:])
        return "".join(out)


def _pieces(pattern: re.Pattern, text: str) -> list[str]:
    """Split without the pattern's own groups."""
    pieces, at = [], 0
    for match in pattern.finditer(text):
        if match.end() == match.start():
            continue
        pieces.append(text[at:match.start()])
        at = match.end()
    return [*pieces, text[at:]]


def _expand(replacement: str, match: re.Match) -> str:
    def piece(part: re.Match) -> str:
        if part[0] == "&":
            return match[0]
        if part[1].isdigit():
            number = int(part[1])
            return (match[number] or "") if number <= match.re.groups else ""
        return part[1] if part[1] in "&\\" else part[0]
    return re.sub(r"\\(.)|&", piece, replacement)


def calculate(operator: str, a: float, b: float) -> float:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/" | "%":
            if b == 0:
                raise Failure("cmd. line:1: Division by zero")
            return a / b if operator == "/" else math.fmod(a, b)
    try:
        return float(a ** b)
    except (OverflowError, ZeroDivisionError):
        return math.inf


def compare(operator: str, a, b, text: Callable) -> float:
    def numeric(value) -> bool:
        return isinstance(value, float) or (isinstance(value, Text) and (value == "" or NUMERIC.fullmatch(value) is not None))
    if numeric(a) and numeric(b) and not (isinstance(a, Text) and a == "" and not isinstance(b, float)) and not (
            isinstance(b, Text) and b == "" and not isinstance(a, float)):
        x, y = to_number(a), to_number(b)
    else:
        x, y = text(a), text(b)
    return float({"<": x < y, "<=": x <= y, "==": x == y, "!=": x != y, ">": x > y, ">=": x >= y}[operator])


@applet("awk", "[OPTIONS] [AWK_PROGRAM] [FILE]...", "F:v:f:e:W:", permute=False)
async def awk(process, options, arguments):
    programs = [value if key == "e" else decode(process.fs.read(value)) for key, value in options.pairs if key in "ef"]
    if not programs:
        if not arguments:
            raise Usage
        programs, arguments = [arguments[0]], arguments[1:]
    interpreter = Interpreter(process, Parser("\n".join(programs)))
    if "F" in options:
        separator = options["F"] if options["F"] is not True else ""
        interpreter.globals["FS"] = "\t" if separator == "t" else unescape(separator)
    for assignment in options.all("v"):
        name, _, value = assignment.partition("=")
        interpreter.globals[name] = Text(unescape(value))
    interpreter.globals["ARGV"] = {str(index): Text(word) for index, word in enumerate(["awk", *arguments])}
    interpreter.globals["ARGC"] = float(len(arguments) + 1)
    return await interpreter.run(arguments)
