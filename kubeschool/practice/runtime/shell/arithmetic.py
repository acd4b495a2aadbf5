"""$(( )): C integer arithmetic on 64 bits as busybox `shell/math.c` does it (`**` and base#digits included)."""
import re
from collections.abc import Callable

TOKEN = re.compile(r"\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9A-Za-z]+|\d+)|([A-Za-z_]\w*)"
                   r"|(<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&^|]=|[-+*/%<>=!~&^|?:(),]))")
PRECEDENCE = {"||": 3, "&&": 4, "|": 5, "^": 6, "&": 7, "==": 8, "!=": 8, "<": 9, ">": 9, "<=": 9, ">=": 9, "<<": 10, ">>": 10,
              "+": 11, "-": 11, "*": 12, "/": 12, "%": 12, "**": 13}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
DEPTH_LIMIT = 100


class ArithmeticFailure(Exception):
    pass


def wrap(value: int) -> int:
    """As a signed 64-bit integer."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def apply(operator: str, left: int, right: int) -> int:
    match operator:
        case "+":
            return wrap(left + right)
        case "-":
            return wrap(left - right)
        case "*":
            return wrap(left * right)
        case "/" | "%":
            if right == 0:
                raise ArithmeticFailure("divide by zero")
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            return wrap(quotient if operator == "/" else left - right * quotient)
        case "**":
            if right < 0:
                raise ArithmeticFailure("exponent less than 0")
            return wrap(pow(left, right, 1 << 64))
        case "<<":
            return wrap(left << (right & 63))
        case ">>":
            return left >> (right & 63)
        case "&":
            return left & right
        case "^":
            return left ^ right
        case "|":
            return left | right
        case "<":
            return int(left < right)
        case ">":
            return int(left > right)
        case "<=":
            return int(left <= right)
        case ">=":
            return int(left >= right)
        case "==":
            return int(left == right)
        case "!=":
            return int(left != right)
    raise ArithmeticFailure("arithmetic syntax error")


def evaluate(text: str, get: Callable[[str], str | None], assign: Callable[[str, str], None], depth: int = 0) -> int:
    """The value of an expression over shell variables; raises ArithmeticFailure with ash's words."""
    if depth > DEPTH_LIMIT:
        raise ArithmeticFailure("expression recursion loop detected")
    return _Expression(text, get, assign, depth).value()


class _Expression:
    def __init__(self, text: str, get, assign, depth: int):
        self.get, self.assign, self.depth = get, assign, depth
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = TOKEN.match(text, position)
            if not match:
                raise ArithmeticFailure("arithmetic syntax error")
            position = match.end()
            self.tokens.append((("number", "name", "operator")[match.lastindex - 1], match[match.lastindex]))
        self.at = 0
        self.live = True

    def value(self) -> int:
        if not self.tokens:
            return 0
        result = self.comma()
        if self.at < len(self.tokens):
            raise ArithmeticFailure("arithmetic syntax error")
        return result

    def peek(self) -> str | None:
        if self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            return text if kind == "operator" else None
        return None

    def take(self, operator: str) -> bool:
        if self.peek() == operator:
            self.at += 1
            return True
        return False

    def need(self, operator: str) -> None:
        if not self.take(operator):
            raise ArithmeticFailure("arithmetic syntax error")

    def comma(self) -> int:
        result = self.assignment()
        while self.take(","):
            result = self.assignment()
        return result

    def assignment(self) -> int:
        if self.at + 1 < len(self.tokens) and self.tokens[self.at][0] == "name" and self.tokens[self.at + 1][1] in ASSIGNMENTS:
            name, operator = self.tokens[self.at][1], self.tokens[self.at + 1][1]
            self.at += 2
            value = self.assignment()
            if operator != "=" and self.live:
                value = apply(operator[:-1], self.variable(name), value)
            return self.store(name, value)
        return self.ternary()

    def ternary(self) -> int:
        condition = self.binary(3)
        if not self.take("?"):
            return condition
        live = self.live
        self.live = live and condition != 0
        first = self.comma()
        self.need(":")
        self.live = live and condition == 0
        second = self.assignment()
        self.live = live
        return first if condition else second

    def binary(self, lowest: int) -> int:
        left = self.unary()
        while (operator := self.peek()) in PRECEDENCE and PRECEDENCE[operator] >= lowest:
            self.at += 1
            level = PRECEDENCE[operator]
            live = self.live
            if operator in ("&&", "||"):
                self.live = live and (left != 0) == (operator == "&&")
                right = self.binary(level + 1)
                left = int(bool(left and right) if operator == "&&" else bool(left or right))
            else:
                right = self.binary(level if operator == "**" else level + 1)
                left = apply(operator, left, right) if live else 0
            self.live = live
        return left

    def unary(self) -> int:
        for operator in ("++", "--"):
            if self.take(operator):
                if self.at < len(self.tokens) and self.tokens[self.at][0] == "name":
                    name = self.tokens[self.at][1]
                    self.at += 1
                    return self.store(name, self.variable(name) + (1 if operator == "++" else -1))
                return self.unary()
        if self.take("-"):
            return wrap(-self.unary())
        if self.take("+"):
            return self.unary()
        if self.take("!"):
            return int(not self.unary())
        if self.take("~"):
            return ~self.unary()
        if self.take("("):
            result = self.comma()
            self.need(")")
            return result
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "operator":
            raise ArithmeticFailure("arithmetic syntax error")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return number(text)
        value = self.variable(text)
        for operator, change in (("++", 1), ("--", -1)):
            if self.take(operator):
                self.store(text, value + change)
        return value

    def variable(self, name: str) -> int:
        value = self.get(name)
        return evaluate(value, self.get, self.assign, self.depth + 1) if value and self.live else 0

    def store(self, name: str, value: int) -> int:
        value = wrap(value)
        if self.live:
            self.assign(name, str(value))
        return value


def number(text: str) -> int:
    try:
        if "#" in text:
            base, digits = text.split("#")
            return wrap(int(digits, int(base)))
        if text[:2] in ("0x", "0X"):
            return wrap(int(text, 16))
        return wrap(int(text, 8 if text[0] == "0" else 10))
    except ValueError:
        raise ArithmeticFailure("arithmetic syntax error") from None
