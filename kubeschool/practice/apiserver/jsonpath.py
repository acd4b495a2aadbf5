r"""The JSONPath that a CustomResourceDefinition may use: `.spec.a`, `['a.b']`, `\.`, `[0]`, `[1:3]`, `[*]`, `..a`, `[?(@.type=="Ready")]`
(`k8s.io/client-go/util/jsonpath`)."""
import operator
import re
from functools import cache
from typing import Any

import orjson

_STEP = re.compile(r"""
    \.\.(?P<deep>(?:\\.|[^.\[\]\\])+) | \.?(?P<all>\*) | \[\*\](?P<items>) | \.(?P<field>(?:\\.|[^.\[\]\\])+)
    | \[(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote)).)+)(?P=quote)\] | \[(?P<index>-?\d+)\] | \[(?P<start>-?\d*):(?P<end>-?\d*)\]
    | \[\?\(\s*@(?P<left>[^=!<>\s]*)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<right>"[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\]
    """, re.VERBOSE)
_COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@cache
def parse(path: str) -> tuple[re.Match, ...]:
    """The steps of a path. Raises ValueError."""
    steps, at = [], 0
    path = path.removeprefix("{").removesuffix("}").removeprefix("$")
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"unrecognized character in action: {path[at:]}")
        steps.append(match)
        at = match.end()
    return tuple(steps)


def find(path: str, obj: Any) -> list:
    """Every value at `path`."""
    found = [obj]
    for step in parse(path):
        found = [inner for value in found for inner in _below(step, value)]
    return found


def _below(step: re.Match, value: Any) -> list:
    if name := step["field"] or step["quoted"]:
        key = re.sub(r"\\(.)", r"\1", name)
        return [value[key]] if isinstance(value, dict) and key in value else []
    if step["deep"]:
        inner = list(_inside(value))
        return ([value[step["deep"]]] if isinstance(value, dict) and step["deep"] in value else []) + [
            found for child in inner for found in _below(step, child)]
    if step["all"] or step["items"] is not None:
        return list(_inside(value))
    if not isinstance(value, list):
        return []
    if step["index"]:
        at = int(step["index"])
        return [value[at]] if -len(value) <= at < len(value) else []
    if step["start"] is not None:
        return value[slice(int(step["start"] or 0), int(step["end"]) if step["end"] else None)]
    return [item for item in value if _holds(step, item)]


def _inside(value: Any) -> list:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _holds(step: re.Match, item: Any) -> bool:
    left = find(step["left"], item)
    if not step["operator"]:
        return bool(left)
    right = step["right"]
    try:
        wanted = right[1:-1] if right[0] in "'\"" else orjson.loads(right)
        return any(_COMPARE[step["operator"]](value, wanted) for value in left)
    except (TypeError, ValueError):
        return False


def shown(value: Any) -> str:
    """A value as `PrintResults` prints it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
