"""Word expansions (XCU 2.6): tilde, parameters, command substitution, arithmetic, field splitting, file names, quote removal.

An expanded word is first a list of segments (text, kind): QUOTED text is taken as it is, LITERAL may hold pattern characters,
EXPANDED may also be split at IFS. BREAK separates the fields of "$@".
"""
from . import arithmetic, patterns
from .parser import Arithmetic, Literal, Parameter, Substitution, Word

QUOTED, LITERAL, EXPANDED = range(3)
BREAK = ("", -1)
Segments = list[tuple[str, int]]


async def fields(shell, words: list[Word]) -> list[str]:
    """Every expansion: what a command's arguments become."""
    result: list[str] = []
    for word in words:
        if word.plain is not None and not any(char in word.plain for char in "*?[~"):
            result.append(word.plain)
            continue
        for field in split(await segments(shell, word), shell.get("IFS")):
            result += path_names(shell, field)
    return result


async def string(shell, word: Word, assignment: bool = False) -> str:
    """Without splitting and file names: assignments, redirection targets, case words, here-documents."""
    if word.plain is not None and "~" not in word.plain:
        return word.plain
    return "".join(" " if part is BREAK else part[0] for part in await segments(shell, word, assignment))


async def pattern(shell, word: Word) -> str:
    """As `string`, quoted characters escaped so that they match themselves."""
    if word.plain is not None and "~" not in word.plain:
        return word.plain
    return "".join(patterns.escape(text) if kind == QUOTED else text for text, kind in await segments(shell, word))


async def segments(shell, word: Word, assignment: bool = False) -> Segments:
    out: Segments = []
    for index, part in enumerate(word.parts):
        if isinstance(part, Literal):
            if part.quoted:
                out.append((part.text, QUOTED))
            else:
                whole = len(word.parts) == index + 1
                _tilde(shell, part.text, whole, index == 0, assignment, out)
        elif isinstance(part, Parameter):
            await _parameter(shell, part, out)
        elif isinstance(part, Substitution):
            text = (await shell.substitute(part.body)).rstrip("\n")
            out.append((text, QUOTED if part.quoted else EXPANDED))
        elif isinstance(part, Arithmetic):
            text = await string(shell, part.expression)
            out.append((str(calculate(shell, text)), QUOTED if part.quoted else EXPANDED))
    return out


def calculate(shell, text: str) -> int:
    try:
        return arithmetic.evaluate(text, shell.parameter, shell.assign)
    except arithmetic.ArithmeticFailure as failure:
        shell.fail(str(failure))


def _tilde(shell, text: str, whole: bool, first: bool, assignment: bool, out: Segments) -> None:
    """Literal text, with ~ and ~name at its start (and after each : of an assignment) made home directories."""
    pieces = text.split(":") if assignment else [text]
    for number, piece in enumerate(pieces):
        if number:
            out.append((":", LITERAL))
        name, slash, rest = piece.partition("/")
        may_start = (first or number > 0) and (slash or whole or number + 1 < len(pieces))
        if may_start and name.startswith("~") and (home := shell.home(name[1:])) is not None:
            out.append((home, QUOTED))
            out.append((slash + rest, LITERAL))
        else:
            out.append((piece, LITERAL))


async def _parameter(shell, part: Parameter, out: Segments) -> None:
    kind = QUOTED if part.quoted else EXPANDED
    operator = part.operator
    if operator == "bad":
        shell.fail("syntax error: bad substitution")
    if part.name in "@*":
        present = bool(shell.positional) and (operator[:1] != ":" or len(shell.positional) > 1 or bool(shell.positional[0]))
        if operator in ("", ":-", "-", ":=", "=", ":?", "?") and (present or operator == ""):
            return _all_parameters(shell, part, out)
        value = " ".join(shell.positional) if shell.positional else None
    else:
        value = shell.parameter(part.name)
        present = value is not None and (operator not in (":-", ":=", ":?", ":+") or value != "")
    if operator in (":-", "-", ":+", "+"):
        if present != (operator in (":-", "-")):
            out += [(text, EXPANDED if how == LITERAL and not part.quoted else how) for text, how in await segments(shell, part.word)]
        elif operator in (":-", "-"):
            out.append((value, kind))
        elif part.quoted:
            out.append(("", QUOTED))
        return
    if operator in (":=", "="):
        if not present:
            if not part.name[0].isalpha() and part.name[0] != "_":
                shell.fail(f"{part.name}: bad variable name")
            value = await string(shell, part.word)
            shell.assign(part.name, value)
    elif operator in (":?", "?"):
        if not present:
            message = await string(shell, part.word) or ("parameter not set" if value is None else "parameter not set or null")
            shell.fail(f"{part.name}: {message}")
    elif value is None and "u" in shell.options and part.name not in "@*":
        shell.fail(f"{part.name}: parameter not set")
    value = value or ""
    if operator == "length":
        value = str(len(value))
    elif operator in ("#", "##", "%", "%%"):
        value = patterns.remove(value, operator, await pattern(shell, part.word))
    elif operator in ("/", "//"):
        value = patterns.replace(value, await pattern(shell, part.word), await string(shell, part.second), operator == "//")
    elif operator == ":":
        start = calculate(shell, await string(shell, part.word))
        length = calculate(shell, await string(shell, part.second)) if part.second else len(value)
        start = max(start + len(value), 0) if start < 0 else start
        value = value[start:start + length] if length >= 0 else value[start:length]
    out.append((value, kind))


def _all_parameters(shell, part: Parameter, out: Segments) -> None:
    if part.quoted and part.name == "*":
        separator = shell.get("IFS")
        out.append(((" " if separator is None else separator[:1]).join(shell.positional), QUOTED))
        return
    for index, value in enumerate(shell.positional):
        if index:
            out.append(BREAK)
        out.append((value, QUOTED if part.quoted else EXPANDED))


def split(parts: Segments, separators: str | None) -> list[Segments]:
    """Field splitting; `separators` is IFS (None: unset)."""
    separators = " \t\n" if separators is None else separators
    result: list[Segments] = []
    current: Segments | None = None
    after_space = False
    for part in parts:
        text, kind = part
        if part is BREAK:
            if current is not None:
                result.append(current)
            current, after_space = None, False
        elif kind != EXPANDED or not separators:
            if text or kind == QUOTED:
                current = (current or []) + [part]
                after_space = False
        else:
            start = 0
            for index, char in enumerate(text):
                if char not in separators:
                    continue
                if index > start:
                    current = (current or []) + [(text[start:index], EXPANDED)]
                    after_space = False
                start = index + 1
                if char in " \t\n":
                    if current is not None:
                        result.append(current)
                        current, after_space = None, True
                elif current is not None or not after_space:
                    result.append(current or [])
                    current, after_space = None, False
                else:
                    after_space = False
            if start < len(text):
                current = (current or []) + [(text[start:], EXPANDED)]
                after_space = False
    if current is not None:
        result.append(current)
    return result


def path_names(shell, field: Segments) -> list[str]:
    text = "".join(text for text, _ in field)
    if "f" in shell.options or not any(kind != QUOTED and any(char in text for char in "*?[") for text, kind in field):
        return [text]
    found = patterns.glob(shell.fs, "".join(patterns.escape(text) if kind == QUOTED else text for text, kind in field))
    return found or [text]
