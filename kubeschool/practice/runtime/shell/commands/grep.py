"""grep, egrep, fgrep; POSIX regular expressions as Python's."""
import re
from collections import deque

from ._applet import Failure, Usage, applet, complain, decode, inputs, lines, number, put

CLASSES = {"alpha": "A-Za-z", "digit": "0-9", "alnum": "0-9A-Za-z", "upper": "A-Z", "lower": "a-z", "space": r"\s", "blank": r" \t",
           "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e"}


def translate_regex(pattern: str, extended: bool) -> str:
    """A POSIX basic or extended regular expression (with GNU's \\+ \\? \\| \\w \\b) as Python's. Raises re.error."""
    out, at = [], 0
    start = True
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "[":
            at, text = _bracket(pattern, at)
            out.append(text)
        elif char == "\\":
            if at >= len(pattern):
                raise re.error("trailing backslash")
            char = pattern[at]
            at += 1
            if char in "(){}" and not extended:
                out.append(char)
                start = char == "("
                continue
            if char in "+?|" and not extended:
                out.append(char)
                start = char == "|"
                continue
            if char in "wWsSbB" or (char.isdigit() and char != "0"):
                out.append("\\" + char)
            elif char == "<":
                out.append(r"\b(?=\w)")
            elif char == ">":
                out.append(r"\b(?<=\w)")
            elif char == "n":
                out.append("\n")
            elif char == "t":
                out.append("\t")
            else:
                out.append(re.escape(char))
        elif char == "*" and start:
            out.append(r"\*")
        elif char in "+?|(){}" and not extended:
            out.append("\\" + char)
        elif char == "{" and extended and not re.match(r"\d*,?\d*\}", pattern[at:]):
            out.append(r"\{")
        elif char == "^" and not extended and not start:
            out.append(r"\^")
        elif char == "$" and not extended and at < len(pattern) and not pattern.startswith((r"\)", r"\|"), at):
            out.append(r"\$")
        else:
            out.append(char)
            if char in "(|^":
                start = True
                continue
        start = False
    return re.sub(r"(?<!\\)([*+?])([*+])", r"\1", "".join(out))


def _bracket(pattern: str, at: int) -> tuple[int, str]:
    negated = pattern[at:at + 1] == "^"
    at += negated
    start, out = at, []
    while True:
        if at >= len(pattern):
            raise re.error("unterminated bracket")
        char = pattern[at]
        if char == "]" and at > start:
            return at + 1, f"[{'^' if negated else ''}{''.join(out)}]"
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            if pattern[at + 2:end] not in CLASSES:
                raise re.error("unknown class")
            out.append(CLASSES[pattern[at + 2:end]])
            at = end + 2
            continue
        out.append(char if char.isalnum() or char == "-" or ord(char) > 127 else "\\" + char)
        at += 1


def compile_regex(pattern: str, extended: bool, flags: int = 0) -> re.Pattern:
    try:
        return re.compile(translate_regex(pattern, extended), flags)
    except (re.error, RecursionError, OverflowError):
        raise Failure(f"bad regex '{pattern}'", 2) from None


@applet("grep egrep fgrep", "[-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...",
        "HhnlLoqvsrRiwxFEzcam:A:B:C:e:f:", {"color=": "!", "color": "!", "include=": "!", "exclude=": "!", "count": "c", "ignore-case": "i",
                                            "invert-match": "v", "line-number": "n", "quiet": "q", "only-matching": "o", "recursive": "r",
                                            "word-regexp": "w", "extended-regexp": "E", "fixed-strings": "F", "files-with-matches": "l",
                                            "regexp=": "e", "line-buffered": "!", "no-messages": "s", "max-count=": "m",
                                            "after-context=": "A", "before-context=": "B", "context=": "C"}, status=2)
async def grep(process, options, arguments):
    patterns = options.all("e")
    for name in options.all("f"):
        patterns += decode(process.fs.read(name)).splitlines()
    if not patterns and "f" not in options:
        if not arguments:
            raise Usage
        patterns, arguments = [arguments[0]], arguments[1:]
    patterns = [line for pattern in patterns for line in pattern.split("\n")]
    fixed = options["F"] or process.name == "fgrep"
    extended = bool(options["E"] or process.name == "egrep")
    expressions = [re.escape(pattern) if fixed else compile_regex(pattern, extended).pattern for pattern in patterns]
    joined = "|".join(f"(?:{text})" for text in expressions) if len(expressions) > 1 else "".join(expressions) if expressions else "(?!)"
    if options["w"]:
        joined = rf"(?<!\w)(?:{joined})(?!\w)"
    if options["x"]:
        joined = rf"^(?:{joined})$"
    matcher = _Matcher(process, options, re.compile(joined, re.I if options["i"] else 0))
    recursive = options["r"] or options["R"]
    if recursive:
        arguments = [path for name in arguments or ["."] for path in files_below(process, name)]
    matcher.named = (len(arguments) > 1 or recursive or options["H"]) and not options["h"]
    failed = False
    if recursive and not arguments:
        return 1
    async for name, stream in inputs(process, arguments, "" if options["s"] else "{name}: {error}"):
        if stream is None:
            failed = True
            continue
        try:
            await matcher.search(name, stream)
        except IsADirectoryError:
            await complain(process, f"{name}: Is a directory")
            failed = True
            continue
        if matcher.found and options["q"]:
            return 0
    return 2 if failed and not (options["q"] and matcher.found) else int(not matcher.found)


def files_below(process, name: str) -> list[str]:
    if not process.fs.isdir(name):
        return [name]
    found = []
    for entry in process.fs.listdir(name):
        path = f"{name.rstrip('/') if name != '/' else ''}/{entry}"
        if process.fs.islink(path):
            continue
        found += files_below(process, path)
    return found


class _Matcher:
    def __init__(self, process, options, regex: re.Pattern):
        self.process, self.options, self.regex = process, options, regex
        self.found = False
        self.named = False
        context = options["C"]
        self.before, self.after = number(options["B"] or context or 0), number(options["A"] or context or 0)

    async def search(self, name: str, stream) -> None:
        options, process = self.options, self.process
        shown = "(standard input)" if name == "-" else name
        count, limit = 0, number(options["m"]) if options["m"] else -1
        earlier: deque = deque(maxlen=self.before)
        after, last = 0, 0
        context = self.before or self.after

        async def show(index: int, text: str, mark: str) -> None:
            prefix = (f"{shown}{mark}" if self.named else "") + (f"{index}{mark}" if options["n"] else "")
            await put(process, f"{prefix}{text}\n")

        index = 0
        if limit != 0:
            async for line in lines(process, stream):
                index += 1
                text = decode(line).rstrip("\n")
                match = self.regex.search(text)
                if bool(match) != bool(options["v"]):
                    self.found = True
                    count += 1
                    if options["q"]:
                        return
                    if options["l"]:
                        await put(process, shown + "\n")
                        return
                    if not options["c"] and not options["L"]:
                        if context and last and index - len(earlier) > last + 1:
                            await put(process, "--\n")
                        for number_before, before in earlier:
                            await show(number_before, before, "-")
                        earlier.clear()
                        if options["o"]:
                            for piece in self.regex.finditer(text) if not options["v"] else ():
                                if piece[0]:
                                    await show(index, piece[0], ":")
                        else:
                            await show(index, text, ":")
                        last, after = index, self.after
                    if count == limit:
                        break
                elif after:
                    after -= 1
                    await show(index, text, "-")
                    last = index
                else:
                    earlier.append((index, text))
        if options["L"] and not count:
            await put(process, shown + "\n")
        if options["c"]:
            await put(process, f"{shown + ':' if self.named else ''}{count}\n")
