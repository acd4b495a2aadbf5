"""printf."""
import re

from ...shell.parser import unescape
from ._applet import applet, complain, put
from .echo import split_at_c

SPECIFICATION = re.compile(r"%(?:%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?([hlLqjzt]*)([a-zA-Z]))|\\c")


@applet("printf", "FORMAT [ARGUMENT...]", permute=False)
async def printf(process, options, arguments):
    if not arguments:
        await complain(process, "usage: printf FORMAT [ARGUMENT...]")
        return 2
    form, *values = arguments
    state = _State(values)
    out = []
    while True:
        taken = state.taken
        if not state.format(form, out) or state.at >= len(values) or state.taken == taken:
            break
    await put(process, "".join(out))
    for problem in state.problems:
        await complain(process, problem)
    return int(bool(state.problems))


class _State:
    def __init__(self, values: list[str]):
        self.values, self.at, self.taken, self.problems = values, 0, 0, []

    def next(self) -> str | None:
        self.taken += 1
        self.at += 1
        return self.values[self.at - 1] if self.at <= len(self.values) else None

    def format(self, form: str, out: list[str]) -> bool:
        """One pass over the format; False after \\c or a bad specification."""
        position = 0
        for match in SPECIFICATION.finditer(form):
            out.append(unescape(form[position:match.start()]))
            position = match.end()
            if match[0] == "\\c":
                return False
            if match[0] == "%%":
                out.append("%")
                continue
            flags, width, precision, _, kind = match.groups()
            has_precision = "." in match[0]
            width = int(self.next() or 0) if width == "*" else int(width or 0)
            precision = int(self.next() or 0) if precision == "*" else int(precision or 0)
            if width < 0:
                flags, width = flags + "-", -width
            value = self.next()
            if kind in "diouxX":
                out.append(self.integer(value, kind, flags, width, precision if has_precision else None))
            elif kind in "eEfFgG":
                out.append(pad(self.float(value, kind, flags, precision if has_precision else 6), flags, width))
            elif kind == "c":
                out.append(pad((value or "")[:1], flags.replace("0", ""), width))
            elif kind == "s":
                out.append(pad((value or "")[:precision] if has_precision else value or "", flags.replace("0", ""), width))
            elif kind == "b":
                text, stop, _ = split_at_c(value or "")
                out.append(pad(unescape(text, octal_zero=True), flags.replace("0", ""), width))
                if stop:
                    return False
            else:
                self.problems.append(f"{form[match.start():]}: invalid format")
                return False
        out.append(unescape(form[position:]))
        return True

    def integer(self, value: str | None, kind: str, flags: str, width: int, precision: int | None) -> str:
        number = self.number(value)
        if kind in "ouxX":
            number &= (1 << 64) - 1
        digits = {"o": "o", "x": "x", "X": "X"}.get(kind, "d")
        text = format(abs(number), digits)
        if precision is not None:
            text = text.rjust(precision, "0")
        if "#" in flags and number:
            text = {"o": "0", "x": "0x", "X": "0X"}.get(kind, "") + text
        sign = "-" if number < 0 else "+" if "+" in flags and kind in "di" else " " if " " in flags and kind in "di" else ""
        if "0" in flags and "-" not in flags and precision is None:
            return sign + text.rjust(width - len(sign), "0")
        return pad(sign + text, flags.replace("0", ""), width)

    def number(self, value: str | None) -> int:
        value = value or ""
        if value[:1] in ("'", '"') and value:
            return ord(value[1]) if len(value) > 1 else 0
        try:
            if re.fullmatch(r"\s*[-+]?0[0-7]+", value):
                return int(value, 8)
            return int(value, 16) if "x" in value.lower() else int(value)
        except ValueError:
            self.problems.append(f"invalid number '{value}'")
            match = re.match(r"\s*[-+]?\d+", value)
            return int(match[0]) if match else 0

    def float(self, value: str | None, kind: str, flags: str, precision: int) -> str:
        try:
            number = float(value or 0)
        except ValueError:
            self.problems.append(f"invalid number '{value}'")
            number = 0.0
        text = f"%{'+' if '+' in flags else ' ' if ' ' in flags else ''}.{precision}{kind}" % number
        return text


def pad(text: str, flags: str, width: int) -> str:
    return text.ljust(width) if "-" in flags else text.rjust(width, "0" if "0" in flags else " ")


