"""expr."""
import re

from ._applet import Failure, applet, put
from .grep import translate_regex


@applet("expr", "EXPRESSION", "", permute=False, status=2)
async def expr(process, options, arguments):
    words = process.argv[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise Failure("too few arguments", 2)
    parser = _Expression(words)
    value = parser.either()
    if parser.at < len(words):
        raise Failure("syntax error", 2)
    await put(process, f"{value}\n")
    return int(str(value) in ("", "0"))


class _Expression:
    def __init__(self, words: list[str]):
        self.words, self.at = words, 0

    def take(self, *operators: str) -> str | None:
        if self.at < len(self.words) and self.words[self.at] in operators:
            self.at += 1
            return self.words[self.at - 1]
        return None

    def next(self) -> str:
        if self.at >= len(self.words):
            raise Failure("syntax error", 2)
        self.at += 1
        return self.words[self.at - 1]

    @staticmethod
    def number(value) -> int:
        try:
            return int(value)
        except ValueError:
            raise Failure("non-numeric argument", 2) from None

    def either(self):
        left = self.both()
        while self.take("|"):
            right = self.both()
            left = left if str(left) not in ("", "0") else right
        return left

    def both(self):
        left = self.comparison()
        while self.take("&"):
            right = self.comparison()
            left = left if str(left) not in ("", "0") and str(right) not in ("", "0") else 0
        return left

    def comparison(self):
        left = self.sum()
        while operator := self.take("<", "<=", "=", "==", "!=", ">=", ">"):
            right = self.sum()
            try:
                a, b = int(left), int(right)
            except ValueError:
                a, b = str(left), str(right)
            left = int({"<": a < b, "<=": a <= b, "=": a == b, "==": a == b, "!=": a != b, ">=": a >= b, ">": a > b}[operator])
        return left

    def sum(self):
        left = self.product()
        while operator := self.take("+", "-"):
            right = self.number(self.product())
            left = self.number(left) + (right if operator == "+" else -right)
        return left

    def product(self):
        left = self.match()
        while operator := self.take("*", "/", "%"):
            a, b = self.number(left), self.number(self.match())
            if operator != "*" and b == 0:
                raise Failure("division by zero", 2)
            quotient = a * b if operator == "*" else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            left = a - b * quotient if operator == "%" else quotient
        return left

    def match(self):
        left = self.primary()
        while self.take(":"):
            left = self.matched(str(left), str(self.primary()))
        return left

    @staticmethod
    def matched(text: str, pattern: str):
        regex = re.compile(translate_regex(pattern, extended=False))
        found = regex.match(text)
        if regex.groups:
            return (found[1] or "") if found else ""
        return found.end() if found else 0

    def primary(self):
        if self.take("("):
            value = self.either()
            if not self.take(")"):
                raise Failure("syntax error", 2)
            return value
        word = self.next()
        if word == "length" and self.at < len(self.words):
            return len(str(self.primary()))
        if word == "match" and self.at + 1 < len(self.words):
            return self.matched(str(self.primary()), str(self.primary()))
        if word == "substr" and self.at + 2 < len(self.words):
            text, start, length = str(self.primary()), self.number(self.primary()), self.number(self.primary())
            return text[start - 1:start - 1 + length] if start > 0 and length > 0 else ""
        if word == "index" and self.at + 1 < len(self.words):
            text, chars = str(self.primary()), str(self.primary())
            return next((index + 1 for index, char in enumerate(text) if char in chars), 0)
        if word in ("|", "&", "<", "=", ">", ")", "+", "*", "/", ":"):
            raise Failure("syntax error", 2)
        return word
