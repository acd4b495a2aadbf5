"""CEL, in which CustomResourceDefinitions and admission policies state rules (`k8s.io/apiserver/pkg/cel`).

The language is the library's (common-expression-language); its import waits for the first rule. Of what Kubernetes adds, `find`,
`findAll` and `isSorted` are here; quantities, URLs, addresses, formats and the authorizer are not.
"""
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

NOT_HERE = "no such overload"
NO_FIELDS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
SELECTED = re.compile(r"(?<![\w.])(self|oldSelf)((?:\.[A-Za-z_]\w*)+)(\()?")
METADATA = {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}}


class ExpressionError(Exception):
    """An expression that cannot be compiled or whose evaluation fails; the text is cel-go's as far as the library tells."""


@lru_cache(1024)
def program(expression: str):
    """Raises ExpressionError for what is no CEL."""
    import cel

    try:
        return cel.compile(expression)
    except ValueError as error:
        text = str(error)
        raise ExpressionError(f"compilation failed: {text[max(text.find('ERROR:'), 0):]}".replace("\n|", "\n |")) from None


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The value of an expression. Raises ExpressionError."""
    import cel
    from cel.stdlib import STDLIB_FUNCTIONS

    compiled, context = program(expression), cel.Context(variables)
    for name in compiled.functions():
        if function := FUNCTIONS.get(name) or STDLIB_FUNCTIONS.get(name):
            context.add_function(name, function)
    try:
        return compiled.execute(context)
    except KeyError as error:
        raise ExpressionError(f"no such key: {error.args[0]}") from None
    except ZeroDivisionError:
        raise ExpressionError("division by zero") from None
    except TypeError:
        raise ExpressionError("no such overload") from None
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        raise ExpressionError(str(error)) from None


def uses(expression: str, variable: str) -> bool:
    return variable in program(expression).variables()


def undefined_field(expression: str, schema: dict, root: bool) -> str:
    """What the type checker says of a field of `self` that a structural schema does not have; empty when there is none."""
    if root:
        known = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": METADATA}
        schema = {**schema, "properties": {**(schema.get("properties") or {}), **known}}
    for match in SELECTED.finditer(NO_FIELDS.sub(lambda text: " " * len(text[0]), expression)):
        at, names, inside = match.end(1), match[2][1:].split("."), schema
        for i, name in enumerate(names):
            properties = inside.get("properties")
            if properties is None or inside.get("x-kubernetes-preserve-unknown-fields") or (match[3] and i == len(names) - 1):
                break
            if name not in properties:
                return (f"compilation failed: ERROR: <input>:1:{at + 1}: undefined field '{name}'\n"
                        f" | {expression}\n | {'.' * at}^")
            inside, at = properties[name], at + len(name) + 1
    return ""


# -- x-kubernetes-validations (apiextensions-apiserver `pkg/apiserver/schema/cel/validation.go`) ----------------------


def rules_of(schema: dict) -> list[dict]:
    return schema.get("x-kubernetes-validations") or []


def broken_rules(schema: dict, value: Any, old: Any, has_old: bool) -> Iterator[tuple[dict, str]]:
    """(rule, message) for the rules of this schema, not of those within, that `value` breaks."""
    for rule in rules_of(schema):
        expression, variables = rule["rule"], {"self": value}
        if uses(expression, "oldSelf"):
            if rule.get("optionalOldSelf"):
                from cel import OptionalValue

                variables["oldSelf"] = OptionalValue.of(old) if has_old else OptionalValue.none()
            elif has_old:
                variables["oldSelf"] = old
            else:
                continue
        said = rule.get("message", "").strip() or f"failed rule: {expression.strip()}"
        try:
            if evaluate(expression, variables) is not True:
                yield rule, _message(rule, variables) or said
        except ExpressionError as error:
            if str(error) == NOT_HERE:
                yield rule, f"'{error}': call arguments did not match a supported operator, function or macro signature for rule: {said}"
            else:
                yield rule, f"{error} evaluating rule: {said}"


def _message(rule: dict, variables: dict) -> str:
    if not rule.get("messageExpression"):
        return ""
    try:
        text = evaluate(rule["messageExpression"], variables)
    except ExpressionError:
        return ""
    return text.strip() if isinstance(text, str) and "\n" not in text.strip() else ""


# -- Kubernetes' own functions (`k8s.io/apiserver/pkg/cel/library/{regex,lists}.go`) ------------------------------------

FUNCTIONS = {
    "find": lambda text, pattern: match[0] if (match := re.search(pattern, text)) else "",
    "findAll": lambda text, pattern, limit=-1: [m[0] for m in re.finditer(pattern, text)][: limit if limit >= 0 else None],
    "isSorted": lambda items: all(a <= b for a, b in pairwise(items)),
}
