"""Shell patterns (XCU 2.13): * ? [set], for case, ${x#pattern} and file names. A backslash makes the next character literal."""
import re
from functools import lru_cache

SPECIAL = re.compile(r"[*?\[\]\\]")
CLASSES = {"alpha": "A-Za-z", "digit": "0-9", "alnum": "0-9A-Za-z", "upper": "A-Z", "lower": "a-z", "space": r"\s", "blank": r" \t",
           "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e"}


def escape(text: str) -> str:
    """A pattern that matches just `text`."""
    return SPECIAL.sub(r"\\\g<0>", text)


def has_magic(pattern: str) -> bool:
    return bool(re.search(r"[*?\[]", re.sub(r"\\.", "", pattern)))


@lru_cache(512)
def translate(pattern: str) -> str:
    """The regular expression (not anchored) of a pattern."""
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and (bracket := _bracket(pattern, at)):
            at, expression = bracket
            out.append(expression)
        elif char == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _bracket(pattern: str, at: int) -> tuple[int, str] | None:
    """(position after the `]`, regular expression) of a bracket expression whose `[` stands before `at`."""
    negated = pattern[at:at + 1] in ("!", "^") and bool(pattern[at:at + 1])
    at += negated
    start, out = at, []
    while at < len(pattern):
        char = pattern[at]
        if char == "]" and at > start:
            body = "".join(out)
            return at + 1, f"[{'^' if negated else ''}{body}]" if body else "(?!)"
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0 and pattern[at + 2:end] in CLASSES:
            out.append(CLASSES[pattern[at + 2:end]])
            at = end + 2
            continue
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            char = pattern[at]
            out.append("\\" + char if not char.isalnum() else char)
        else:
            out.append(char if char.isalnum() or char == "-" else "\\" + char)
        at += 1
    return None


@lru_cache(512)
def _compiled(pattern: str) -> re.Pattern:
    expression = translate(pattern)
    try:
        return re.compile(expression, re.S)
    except re.error:
        return re.compile(re.escape(pattern), re.S)


def matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def remove(text: str, operator: str, pattern: str) -> str:
    """${x OPERATOR pattern}: # ## cut the shortest and longest match from the front, % %% from the end."""
    compiled = _compiled(pattern)
    lengths = range(len(text) + 1)
    for length in lengths if len(operator) == 1 else reversed(lengths):
        if operator[0] == "#" and compiled.fullmatch(text, 0, length):
            return text[length:]
        if operator[0] == "%" and compiled.fullmatch(text, len(text) - length):
            return text[:len(text) - length]
    return text


def replace(text: str, pattern: str, replacement: str, everywhere: bool) -> str:
    """${x/pattern/replacement} and, `everywhere`, ${x//pattern/replacement}."""
    if not pattern:
        return text
    return re.sub(translate(pattern), lambda match: replacement if match[0] or not everywhere else "", text, count=0 if everywhere else 1,
                  flags=re.S)


def glob(fs, pattern: str) -> list[str]:
    """The paths in a FileSystem that match, sorted; [] when none does."""
    absolute = pattern.startswith("/")
    found = ["/" if absolute else ""]
    parts = re.split(r"(/+)", pattern.lstrip("/") if absolute else pattern)
    for index in range(0, len(parts), 2):
        part, slashes = parts[index], parts[index + 1] if index + 1 < len(parts) else ""
        following = []
        for base in found:
            if not part:
                following.append(base)
            elif not has_magic(part):
                path = base + re.sub(r"\\(.)", r"\1", part)
                if fs.exists(path) or fs.islink(path):
                    following.append(path + slashes)
            else:
                try:
                    names = fs.listdir(base or ".")
                except OSError:
                    continue
                names = [*names, ".", ".."] if part.startswith((".", "\\.")) else [name for name in names if not name.startswith(".")]
                paths = [base + name for name in names if matches(part, name)]
                following += [path + slashes for path in paths if not slashes or fs.isdir(path)]
        found = following
    return sorted(path for path in found if path)
