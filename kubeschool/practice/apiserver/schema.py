"""What objects look like: types, decoding with Kubernetes' messages, defaults of the schema.

Types are read from the compact schema that `openapi.py` makes of the Python client's models; `structural.py` builds those of
custom resources. Messages as apimachinery `pkg/runtime/serializer/json`, sigs.k8s.io/json and apiserver `pkg/endpoints/handlers/rest.go`.
"""
import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from . import quantity
from .errors import ApiError, bad_request

SCALARS = {"string": str, "boolean": bool}
GO_NAMES = {"string": "string", "boolean": "bool", "int32": "int32", "int64": "int64", "number": "float64", "any": "interface {}"}
SCHEME = "pkg/api/legacyscheme/scheme.go:30"


class GroupVersionKind(NamedTuple):
    group: str
    version: str
    kind: str


class Type:
    """The type of a value.

    kind: `object` (fields), `map` and `list` (items), a scalar (string, boolean, int32, int64, number, quantity,
    int-or-string, time, microtime, bytes) or `any`. `list_type` and `map_type` as in OpenAPI's x-kubernetes-*.
    """

    __slots__ = ("_fields", "_load_fields", "decode", "defaulting", "items", "kind", "list_map_keys", "list_type", "map_type", "name",
                 "open", "zero")

    def __init__(self, kind: str, name: str = "", items: "Type | None" = None, load_fields: Callable[[], dict[str, "Field"]] | None = None,
                 list_type: str = "atomic", list_map_keys: tuple[str, ...] = (), map_type: str = "granular", open: bool = False):
        self.kind, self.name, self.items = kind, name, items
        self.list_type, self.list_map_keys, self.map_type = list_type, list_map_keys, map_type
        self.open = open
        """Whether unknown fields are kept (x-kubernetes-preserve-unknown-fields)."""
        self._fields, self._load_fields = None, load_fields
        self.decode = DECODERS[kind]
        self.defaulting = None
        self.zero = {"string": "", "boolean": False, "int32": 0, "int64": 0, "number": 0}.get(kind)

    @property
    def fields(self) -> dict[str, "Field"]:
        if self._fields is None:
            self._fields = self._load_fields() if self._load_fields else {}
        return self._fields

    @property
    def go_name(self) -> str:
        if self.kind == "list":
            return f"[]{self.items.go_name}"
        if self.kind == "map":
            return f"map[string]{self.items.go_name}"
        return f"v1.{self.name}" if self.kind == "object" else GO_NAMES.get(self.kind, self.kind)


class Field:
    """A field of an object type. `default` is None when there is none; `{}` marks a struct that is always written."""

    __slots__ = ("default", "merge_key", "name", "omit_zero", "patch_strategy", "required", "scalar", "type")

    def __init__(self, name: str, type: Type, required: bool = False, default: Any = None,
                 patch_strategy: str | None = None, merge_key: str | None = None, omit_zero: bool = False):
        self.name, self.type, self.required, self.default = name, type, required, default
        self.patch_strategy, self.merge_key = patch_strategy, merge_key
        self.omit_zero = omit_zero
        """Whether Go leaves the field out when it is "", 0 or false."""
        self.scalar = SCALARS.get(type.kind) if not omit_zero else None


# -- where types come from -------------------------------------------------------------------------------


class Schema:
    """The types of all built-in kinds, made on first use. `document` is the compact schema of `openapi.compact_schema`."""

    def __init__(self, document: dict):
        self._kinds: dict[str, str] = document["kinds"]
        self._definitions: dict[str, dict[str, dict]] = document["definitions"]
        self._types: dict[str, Type] = {}

    def type_of(self, group: str, version: str, kind: str) -> Type | None:
        name = self._kinds.get(f"{group}/{version}/{kind}")
        return self._type(f"#{name}", {}) if name else None

    def knows(self, group: str, version: str, kind: str) -> bool:
        return f"{group}/{version}/{kind}" in self._kinds

    def _type(self, expression: str, spec: dict) -> Type:
        """`#Name` an object, `[]T` a list, `{}T` a map, else a scalar; `spec` has the list's or map's own facts."""
        if expression.startswith(("[]", "{}")):
            items = self._type(expression[2:], {})
            if expression.startswith("{}"):
                return Type("map", items=items, map_type=spec.get("map_type", "granular"))
            return Type("list", items=items, list_type=spec.get("list_type", "atomic"), list_map_keys=tuple(spec.get("list_map_keys", ())))
        map_type = spec.get("map_type") or self._definitions.get(expression[1:], {}).get("", {}).get("map_type", "granular")
        key = f"{expression} {map_type}"
        if key not in self._types:
            if expression.startswith("#"):
                name = expression[1:]
                self._types[key] = Type("object", name.rpartition(".")[2], load_fields=lambda: self._fields(name), map_type=map_type)
            else:
                self._types[key] = Type(expression)
        return self._types[key]

    def _fields(self, name: str) -> dict[str, Field]:
        return {
            key: Field(key, self._type(spec["type"], spec), spec.get("required", False), spec.get("default"),
                       spec.get("patch_strategy"), spec.get("merge_key"), spec.get("omit_zero", False))
            for key, spec in self._definitions[name].items() if key
        }


_builtin: Schema | None = None


def builtin() -> Schema:
    """The built-in kinds, loaded from the cache on first use (made there when missing)."""
    global _builtin
    if _builtin is None:
        from .openapi import load_compact_schema

        _builtin = Schema(load_compact_schema())
    return _builtin


def type_of(group: str, version: str, kind: str) -> Type | None:
    """None for kinds the Python client has no model for."""
    return builtin().type_of(group, version, kind)


def resource_of_kind(group: str, version: str, kind: str) -> GroupVersionKind:
    """What describes the body of a subresource that is of another kind, for `type_for` and `decode`."""
    return GroupVersionKind(group, version, kind)


def type_for(resource: Any) -> Type:
    """The type of a `Resource`: its own `schema` (custom resources), else the built-in one, else an open object."""
    own = getattr(resource, "schema", None)
    return own or type_of(resource.group, resource.version, resource.kind) or _open_object(resource.kind)


def _open_object(name: str) -> Type:
    return Type("object", name, load_fields=object_meta_fields, open=True)


def object_meta_fields() -> dict[str, Field]:
    """apiVersion, kind and metadata, which are the same in every kind."""
    pod = type_of("", "v1", "Pod").fields
    return {name: pod[name] for name in ("apiVersion", "kind", "metadata")}


# -- parsing request bodies ------------------------------------------------------------------------------


class JsonError(Exception):
    """In encoding/json's words."""


class YamlError(Exception):
    """In go-yaml's words."""


MAX_DEPTH = 200
"""How deep a body may be nested (Go's limit is 10,000)."""


def parse(body: bytes, content_type: str = "application/json", kind: str = "") -> tuple[Any, list[str]]:
    """(value, texts about duplicate fields) of a JSON or YAML body. `kind` is what is expected, for the message.

    Raises ApiError 400.
    """
    try:
        value, duplicates = load_yaml(body) if "yaml" in content_type else load_json(body)
        return ({} if value is None else value), duplicates
    except YamlError as error:
        text = str(error)
    except JsonError as error:
        text = f"couldn't get version/kind; json parse error: {error}"
    raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {text} ({_summary(body)})")


def load_json(body: bytes) -> tuple[Any, list[str]]:
    """(value, texts about duplicate fields). Raises JsonError."""
    try:
        value, duplicates = orjson.loads(body), []
        if orjson.dumps(value) != body.strip():
            value, duplicates = _parse_json(body)
    except (UnicodeDecodeError, json.JSONDecodeError):
        try:
            value, duplicates = _parse_json(body)
        except (UnicodeDecodeError, json.JSONDecodeError):
            raise JsonError(go_json_error(body)) from None
        except RecursionError:
            raise JsonError("exceeded max depth") from None
    _check_depth(body, value)
    return value, duplicates


def load_yaml(body: bytes) -> tuple[Any, list[str]]:
    """(value, texts about duplicate keys) of YAML or JSON. Raises YamlError, JsonError."""
    from . import yaml_body

    if body.lstrip().startswith(b"{"):
        try:
            return load_json(body)
        except JsonError:
            pass  # YAML in flow style
    try:
        value, duplicates = yaml_body.load(body)
    except yaml_body.yaml.MarkedYAMLError as error:
        scanner = isinstance(error, yaml_body.yaml.scanner.ScannerError)
        mark = error.context_mark if error.context_mark and error.context_mark.line else error.problem_mark
        line = mark.line + scanner if mark and mark.line else 0
        raise YamlError(f"yaml: {f'line {line}: ' if line else ''}{error.problem}") from None
    except RecursionError:
        raise YamlError("yaml: exceeded max depth of 10000") from None
    except (yaml_body.yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise YamlError(f"yaml: {error}") from None
    try:
        return orjson.loads(orjson.dumps(value)), duplicates
    except orjson.JSONEncodeError as error:
        raise YamlError(f"yaml: {error}") from None


def _check_depth(body: bytes, value: Any) -> None:
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    depth, level = 0, [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError("exceeded max depth")
        level = [child for node in level if isinstance(node, dict | list)
                 for child in (node.values() if isinstance(node, dict) else node) if isinstance(child, dict | list)]


def _parse_json(body: bytes) -> tuple[Any, list[str]]:
    """As `orjson.loads`, but tells of doubled fields and takes what Go takes: halves of surrogate pairs, numbers of any size."""
    doubled: dict[int, list[str]] = {}

    def make(pairs: list[tuple[str, Any]]) -> dict:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen = set()
            doubled[id(made)] = list(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))
        return made

    def integer(text: str) -> int | float:
        return int(text) if len(text) < 25 and -(1 << 63) <= int(text) < 1 << 64 else float(text)

    def constant(text: str) -> None:
        raise json.JSONDecodeError("Expecting value", body.decode(errors="replace"), 0)

    value = json.loads(body, object_pairs_hook=make, parse_int=integer, parse_constant=constant)
    found = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            found.extend(f'duplicate field "{path}{key}"' for key in doubled.get(id(node), ()))
            for key, child in node.items():
                walk(child, f"{path}{key}.")
        elif isinstance(node, list):
            for index, child in enumerate(node):
                walk(child, f"{path.removesuffix('.')}[{index}].")

    if doubled:
        walk(value, "")
    if b"\\ud" in body.lower():
        text = json.dumps(value, ensure_ascii=False)
        value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value, found


def go_json_error(body: bytes) -> str:
    """What Go's encoding/json says of a malformed body."""
    try:
        text = body.decode()
        json.loads(text)
        return "invalid character"
    except UnicodeDecodeError as error:
        return f"invalid character '\\x{body[error.start]:02x}' looking for beginning of value"
    except json.JSONDecodeError as error:
        message, at = error.msg, error.pos
    if message.startswith("Illegal trailing comma"):  # Python 3.13 points at the comma
        at += 1
    if message.startswith("Unterminated") or not text[at:].strip():
        return "unexpected end of JSON input"
    at += len(text[at:]) - len(text[at:].lstrip())
    character = text[at].replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    where = {
        "Expecting value": "looking for beginning of value",
        "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
        "Illegal trailing comma before end of object": "looking for beginning of object key string",
        "Illegal trailing comma before end of array": "looking for beginning of value",
        "Expecting ':' delimiter": "after object key",
        "Extra data": "after top-level value",
        "Invalid control character at": "in string literal",
    }.get(message)
    if message == "Expecting ',' delimiter":
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text[:at])
        while (shorter := re.sub(r"\{[^{}\[\]]*\}|\[[^{}\[\]]*\]", "", outside)) != outside:
            outside = shorter
        where = "after array element" if outside.rfind("[") > outside.rfind("{") else "after object key:value pair"
    return f"invalid character '{character}' {where or 'in string escape code'}"


def _summary(body: bytes, limit: int = 30) -> str:
    if not body:
        return "<empty>"
    shown = body[:limit].decode(errors="replace") if body.startswith(b"{") else body[:limit].hex()
    return f"{shown} ..." if len(body) > limit else shown


def json_kind(value: Any) -> str:
    """The JSON type of a value in encoding/json's words."""
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    return "null"


# -- decoding --------------------------------------------------------------------------------------------


class DecodeError(ApiError):
    """`text` is the finding without the sentence around it."""

    def __init__(self, gvk: GroupVersionKind, text: str, expected: str = ""):
        super().__init__(400, "BadRequest", f'{gvk[2]} in version "{gvk[1]}" cannot be handled as a {expected or gvk[2]}: {text}')
        self.text = text


class _Mismatch(Exception):
    pass


class _Context:
    __slots__ = ("path", "structs", "unknown")

    def __init__(self):
        self.path: list[str | int] = []
        self.structs: list[str] = []
        self.unknown: list[str] = []

    def mismatch(self, value: Any, go_type: str) -> _Mismatch:
        what = json_kind(value)
        if what == "number" and go_type in ("int32", "int64"):
            what = f"number {orjson.dumps(value).decode()}"
        if not self.structs or not self.path:
            return _Mismatch(f"json: cannot unmarshal {what} into Go value of type {go_type}")
        path = ".".join(p for p in self.path if isinstance(p, str))
        return _Mismatch(f"json: cannot unmarshal {what} into Go struct field {self.structs[-1]}.{path} of type {go_type}")


def decode(type_: Type, obj: Any, gvk: GroupVersionKind, validation: str = "Ignore",
           duplicates: Iterable[str] = ()) -> tuple[dict, list[str]]:
    """(a new object without nulls and unknown fields, warnings). `gvk` may be a Resource; `validation` as the query parameter
    fieldValidation; `duplicates` as `parse` gives them. Raises DecodeError (ApiError 400)."""
    gvk = GroupVersionKind(gvk.group, gvk.version, gvk.kind)
    group, version, kind = gvk
    context = _Context()
    if not isinstance(obj, dict):
        text = f"couldn't get version/kind; json parse error: json: cannot unmarshal {json_kind(obj)} into Go value of type struct " \
               "{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {text} ({_summary(orjson.dumps(obj))})")
    _check_kind(obj, gvk)
    try:
        decoded = type_.decode(type_, obj, context)
    except _Mismatch as error:
        raise DecodeError(gvk, str(error)) from None
    decoded["apiVersion"], decoded["kind"] = f"{group}/{version}" if group else version, kind
    strict = [*duplicates, *(f'unknown field "{path}"' for path in context.unknown)]
    if strict and validation == "Strict":
        raise DecodeError(gvk, f"strict decoding error: {', '.join(strict)}")
    return decoded, strict if validation == "Warn" else []


def _check_kind(obj: dict, gvk: GroupVersionKind) -> None:
    group, version, kind = gvk
    expected = f"{group}/{version}" if group else version
    actual_version, actual_kind = obj.get("apiVersion") or expected, obj.get("kind") or kind
    if actual_kind == kind and actual_version == expected:
        return
    for name, value in (("apiVersion", actual_version), ("kind", actual_kind)):
        if not isinstance(value, str):
            text = f"json: cannot unmarshal {json_kind(value)} into Go struct field .{name} of type string"
            raise bad_request(f"couldn't get version/kind; json parse error: {text}")
    actual_group, _, bare_version = actual_version.rpartition("/")
    actual = GroupVersionKind(actual_group, bare_version, actual_kind)
    if actual_kind != kind:
        if builtin().knows(*actual):
            known = f"converting ({bare_version}.{actual_kind}) to ({group.partition('.')[0] or 'core'}.{kind}): unknown conversion"
            raise DecodeError(actual, known, kind)
        raise DecodeError(actual, f'no kind "{actual_kind}" is registered for version "{actual_version}" in scheme "{SCHEME}"', kind)
    raise bad_request(f"the API version in the data ({actual_version}) does not match the expected API version ({expected})")


def _decode_object(type_: Type, value: Any, context: _Context) -> dict:
    if type(value) is not dict:
        raise context.mismatch(value, type_.go_name)
    fields, result, path = type_.fields, {}, context.path
    context.structs.append(type_.name)
    for key, item in value.items():
        field = fields.get(key)
        if field is None:
            if type_.open:
                result[key] = item
            else:
                context.unknown.append(shown_path([*path, key]))
        elif item is None:
            continue
        elif type(item) is field.scalar:
            result[key] = item
        else:
            path.append(key)
            item_type = field.type
            item = item_type.decode(item_type, item, context)
            path.pop()
            if item or field.required or not (field.omit_zero or item_type.kind in EMPTY_IS_ABSENT):
                result[key] = item
    context.structs.pop()
    return result


EMPTY_IS_ABSENT = frozenset({"list", "map"})


def _decode_map(type_: Type, value: Any, context: _Context) -> dict:
    if type(value) is not dict:
        raise context.mismatch(value, type_.go_name)
    items = type_.items
    if items.kind == "string":
        for item in value.values():
            if type(item) is not str:
                break
        else:
            return dict(value)
    elif items.kind == "quantity":
        return {key: _resource(item, context) for key, item in value.items()}
    result, path = {}, context.path
    for key, item in value.items():
        if item is None:
            result[key] = {} if items.kind == "object" else items.zero
        elif items.kind == "object":
            path.append(key)
            result[key] = items.decode(items, item, context)
            path.pop()
        else:
            result[key] = items.decode(items, item, context)
    return result


def _decode_list(type_: Type, value: Any, context: _Context) -> list:
    if type(value) is not list:
        raise context.mismatch(value, type_.go_name)
    items, path, result = type_.items, context.path, []
    decode_item = items.decode
    for index, item in enumerate(value):
        if item is None:
            item = {} if items.kind == "object" else items.zero
        path.append(index)
        result.append(decode_item(items, item, context))
        path.pop()
    return result


def _decode_string(type_: Type, value: Any, context: _Context) -> str:
    if type(value) is not str:
        raise context.mismatch(value, "string")
    return value


def _decode_boolean(type_: Type, value: Any, context: _Context) -> bool:
    if type(value) is not bool:
        raise context.mismatch(value, "bool")
    return value


def _decode_integer(type_: Type, value: Any, context: _Context) -> int:
    bits = 31 if type_.kind == "int32" else 63
    if type(value) is not int or not -(1 << bits) <= value < 1 << bits:
        raise context.mismatch(value, type_.kind)
    return value


def _decode_number(type_: Type, value: Any, context: _Context) -> float:
    if type(value) not in (int, float):
        raise context.mismatch(value, "float64")
    return value


def _decode_quantity(type_: Type, value: Any, context: _Context) -> str:
    text = value.strip() if type(value) is str else orjson.dumps(value).decode()
    try:
        quantity.parse(text)
    except ValueError as error:
        raise _Mismatch(str(error)) from None
    return text


def _resource(value: Any, context: _Context) -> str:
    """An amount in a ResourceList is written in canonical form, rounded up to a thousandth
    (`pkg/apis/core/v1/defaults.go` SetDefaults_ResourceList); other quantities stay as the client wrote them."""
    return quantity.canonical(_decode_quantity(None, "0" if value is None else value, context), quantity.MILLI)


def _decode_int_or_string(type_: Type, value: Any, context: _Context) -> int | str:
    if type(value) is str:
        return value
    if type(value) is not int or not -(1 << 31) <= value < 1 << 31:
        what = json_kind(value)
        what = f"number {orjson.dumps(value).decode()}" if what == "number" else what
        raise _Mismatch(f"json: cannot unmarshal {what} into Go value of type int32")
    return value


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def _decode_time(type_: Type, value: Any, context: _Context) -> str:
    if type(value) is not str:
        raise _Mismatch(f"json: cannot unmarshal {json_kind(value)} into Go value of type string")
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        if len(value) == 20 or (type_.kind == "microtime" and len(value) == 27):
            datetime.fromisoformat(f"{value[:-1]}+00:00")
            return value
        from ..clock import micro_timestamp, parse, timestamp

        at = parse(re.sub(r"(\.\d{6})\d+", r"\1", value)).astimezone(UTC)
        return timestamp(at) if type_.kind == "time" else micro_timestamp(at)
    except ValueError:
        layout = "2006-01-02T15:04:05Z07:00" if type_.kind == "time" else "2006-01-02T15:04:05.000000Z07:00"
        rest, element = _time_fault(value)
        raise _Mismatch(f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as "{element}"') from None


def _time_fault(value: str) -> tuple[str, str]:
    """(the rest of the text, the layout element it does not fit), as Go's time.Parse reports."""
    at = 0
    for element in ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", "Z07:00"):
        pattern = r"(\.\d+)?(Z|[+-]\d\d:\d\d)" if element == "Z07:00" else re.sub(r"\d", r"\\d", element)
        match = re.compile(pattern).match(value, at)
        if match is None:
            return value[at:], element
        at = match.end()
    return value[at:], "Z07:00"


def _decode_bytes(type_: Type, value: Any, context: _Context) -> str:
    if type(value) is not str:
        raise context.mismatch(value, "[]uint8")
    try:
        base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise _Mismatch(f"illegal base64 data at input byte {_base64_fault(value)}") from None
    return value


def _base64_fault(text: str) -> int:
    """The offset Go's base64.CorruptInputError names (encoding/base64 decodeQuantum)."""
    in_group = 0
    for at, character in enumerate(text):
        if character in "\r\n":
            continue
        if re.match(r"[A-Za-z0-9+/]", character):
            in_group = (in_group + 1) % 4
        elif character != "=" or in_group < 2:
            return at
        else:
            rest = text[at + 1:].lstrip("\r\n")
            if in_group == 2 and not rest:
                return len(text)
            if in_group == 2 and rest[0] != "=":
                return at
            return len(text) - len(rest[3 - in_group:])
    return len(text) - in_group


def _decode_any(type_: Type, value: Any, context: _Context) -> Any:
    return value


def shown_path(parts: list[str | int]) -> str:
    """`spec.containers[0].name`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts).removeprefix(".")


DECODERS = {
    "object": _decode_object, "map": _decode_map, "list": _decode_list, "string": _decode_string, "boolean": _decode_boolean,
    "int32": _decode_integer, "int64": _decode_integer, "number": _decode_number, "quantity": _decode_quantity,
    "int-or-string": _decode_int_or_string, "time": _decode_time, "microtime": _decode_time, "bytes": _decode_bytes, "any": _decode_any,
}


# -- defaults --------------------------------------------------------------------------------------------


def apply_defaults(type_: Type, obj: dict) -> None:
    """Fill in, in place, what the schema defaults (a port's protocol TCP, a struct Go always writes: `resources: {}`)."""
    for name, default, child in _defaulting(type_):
        value = obj.get(name)
        if value is None:
            if default is None:
                continue
            value = obj[name] = {} if default == {} else default
        if child is not None:
            _default_value(child, value)


def _default_value(type_: Type, value: Any) -> None:
    if type_.kind == "object":
        apply_defaults(type_, value)
    else:
        for item in value if type_.kind == "list" else value.values():
            _default_value(type_.items, item)


def _defaulting(type_: Type) -> list[tuple[str, Any, Type | None]]:
    """(field, default, type to descend into) for the fields where there is anything to do."""
    if type_.defaulting is None:
        entries = [(f.name, f.default, f.type if _has_defaults(f.type, ()) else None) for f in type_.fields.values()]
        type_.defaulting = [e for e in entries if e[1] is not None or e[2] is not None]
    return type_.defaulting


def _has_defaults(type_: Type, above: tuple[Type, ...]) -> bool:
    while type_.kind in ("list", "map"):
        type_ = type_.items
    if type_.kind != "object" or type_ in above:
        return False
    return any(f.default is not None or _has_defaults(f.type, (*above, type_)) for f in type_.fields.values())
