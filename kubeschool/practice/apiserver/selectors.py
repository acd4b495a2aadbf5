"""Label and field selectors (apimachinery `pkg/labels/selector.go`, `pkg/fields/selector.go`)."""
import re
from collections.abc import Collection, Mapping

from .errors import bad_request, invalid_value
from .names import validate_label_key, validate_label_value

Requirement = tuple[str, str, tuple[str, ...]]
"""(key, operator, values); operators in, notin, exists, !, gt, lt."""

_TOKEN = re.compile(r"\s*(==|!=|[=!,()<>]|[^\s=!,()<>]+|$)")
_OPERATORS = {"in": "in", "notin": "notin", "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}


class _LabelParser:
    """The grammar of `labels.Parse` with its words for what is wrong (ValueError)."""

    def __init__(self, text: str):
        self.tokens = [token for token in _TOKEN.findall(text) if token]

    def next(self) -> str:
        return self.tokens.pop(0) if self.tokens else ""

    def ahead(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while token := self.ahead():
            if not (_is_word(token) or token == "!"):
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self.requirement())
            except ValueError as problem:
                raise ValueError(f"unable to parse requirement: {problem}") from None
            if (token := self.next()) not in ("", ","):
                raise ValueError(f"found '{token}', expected: ',' or 'end of string'")
            if token and not (_is_word(self.ahead()) or self.ahead() == "!"):
                raise ValueError(f"found '{self.ahead()}', expected: identifier after ','")
        return requirements

    def requirement(self) -> Requirement:
        key = self.next()
        absent = key == "!"
        if absent:
            key = self.next()
        if not _is_word(key):
            raise ValueError(f"found '{key}', expected: identifier")
        if absent or self.ahead() in ("", ","):
            return key, "!" if absent else "exists", ()
        word = self.next()
        if word not in _OPERATORS:
            raise ValueError(f"found '{word}', expected: in, notin, =, ==, !=, gt, lt")
        return key, _OPERATORS[word], self.values() if word in ("in", "notin") else (self.value(),)

    def value(self) -> str:
        if self.ahead() in ("", ","):
            return ""
        if not _is_word(token := self.next()):
            raise ValueError(f"found '{token}', expected: identifier")
        return token

    def values(self) -> tuple[str, ...]:
        if (token := self.next()) != "(":
            raise ValueError(f"found '{token}' expected: '('")
        if not (_is_word(self.ahead()) or self.ahead() in (",", ")")):
            raise ValueError(f"found '{self.ahead()}', expected: ',', ')' or identifier")
        values = []
        while True:
            values.append(self.next() if _is_word(self.ahead()) else "")
            if (token := self.next()) == ")":
                return tuple(values)
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or ')'")


def _is_word(token: str) -> bool:
    return bool(token) and token[0] not in "=!,()<>"


def parse_labels(text: str) -> list[Requirement]:
    """`a=b,c in (d,e),!f`. Raises 400 as the server does for text it cannot parse."""
    try:
        requirements = _LabelParser(text).parse()
    except ValueError as problem:
        raise bad_request(str(problem)) from None
    for requirement in requirements:
        _check(*requirement)
    return requirements


def _check(key: str, operator: str, values: tuple[str, ...]) -> None:
    """NewRequirement's rules. Raises 400."""
    named = (("<nil>", key, validate_label_key(key)), *((f"values[{i}][{key}]", v, validate_label_value(v)) for i, v in enumerate(values)))
    found = [invalid_value(where, value, message) for where, value, messages in named for message in messages]
    if operator in ("gt", "lt") and not re.fullmatch(r"[-+]?[0-9]+", values[0]):
        found.append(invalid_value("values[0]", values[0], "for 'Gt', 'Lt' operators, the value must be an integer"))
    if found:
        raise bad_request(f"unable to parse requirement: {found[0]}")


def from_label_selector(selector: dict | None) -> list[Requirement] | None:
    """A metav1.LabelSelector; None (selects nothing) stays None."""
    if selector is None:
        return None
    requirements: list[Requirement] = [(k, "in", (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    for e in selector.get("matchExpressions") or ():
        requirements.append((e["key"], operators[e["operator"]], tuple(e.get("values") or ())))
    return requirements


def matches(requirements: list[Requirement] | None, labels: Mapping[str, str] | None) -> bool:
    """Whether labels meet every requirement. None selects nothing, an empty list everything."""
    if requirements is None:
        return False
    labels = labels or {}
    return all(_meets(labels, *requirement) for requirement in requirements)


def _meets(labels: Mapping[str, str], key: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator == "in":
        return key in labels and labels[key] in values
    if operator == "notin":
        return labels.get(key) not in values
    if operator == "exists":
        return key in labels
    if operator == "!":
        return key not in labels
    try:
        number, limit = int(labels[key]), int(values[0])
    except (KeyError, ValueError):
        return False
    return number > limit if operator == "gt" else number < limit


EVERYWHERE = ("metadata.name", "metadata.namespace")


def parse_fields(text: str, own: Collection[str]) -> list[tuple[str, bool, str]]:
    """`a=b,c!=d` as (field, wanted equal, value). `own` are the fields the resource has besides metadata.name and
    metadata.namespace. Raises 400 for others."""
    terms = []
    for part in filter(None, text.split(",")):
        m = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
        if not m:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if m[1] not in EVERYWHERE and m[1] not in own:
            only = ", ".join(f'"{name}"' for name in EVERYWHERE)
            raise bad_request(f"field label not supported: {m[1]}" if own else f'"{m[1]}" is not a known field selector: only {only}')
        terms.append((m[1], m[2] != "!=", m[3]))
    return terms
