"""YAML request bodies as sigs.k8s.io/yaml reads them: no timestamps, string keys, duplicate keys reported."""
import re
from typing import Any

import orjson
import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(Loader):
    def __init__(self, stream: bytes):
        super().__init__(stream)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        self.flatten_mapping(node)
        result = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                key = orjson.dumps(key).decode() if key is None or isinstance(key, bool) else key_node.value
            if key in result:
                self.duplicates.append(f'line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            result[key] = self.construct_object(value_node, deep=deep)
        return result


NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0b[0-1_]+|0o?[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    "tag:yaml.org,2002:float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$", re.IGNORECASE),
}


def _resolvers() -> dict:
    """PyYAML's implicit types without timestamps and sexagesimal numbers."""
    return {first: [(tag, NUMBERS.get(tag, pattern)) for tag, pattern in sorted(pairs, key=lambda pair: pair[0].endswith(":float"))
                    if not tag.endswith(":timestamp")]
            for first, pairs in Loader.yaml_implicit_resolvers.items()}


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "").replace("0o", "0")
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    if digits.startswith("0") and digits.isdigit() and digits != "0":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


_Loader.yaml_implicit_resolvers = _resolvers()
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def load(body: bytes) -> tuple[Any, list[str]]:
    """(value, texts about duplicate keys). Raises yaml.YAMLError."""
    loader = _Loader(body)
    try:
        value = loader.get_single_data()
        return value, loader.duplicates
    finally:
        loader.dispose()
