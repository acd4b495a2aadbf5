"""Structural schemas of CustomResourceDefinitions: the types they make, pruning, defaults, validation.

Rules of `apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting,listtype,objectmeta}`; messages of kube-openapi
`pkg/validation/errors` as `pkg/apiserver/validation/validation.go` puts them into field errors.
"""
import base64
import binascii
import copy
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from . import expressions
from . import schema as schemas
from .errors import FieldError, duplicate, forbidden_field, invalid_value, not_supported, required, too_long, too_many
from .schema import Field, Type

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
_ABSENT = object()


# -- types: what decoding prunes and server-side apply merges ----------------------------------------------


def type_of(schema: dict, name: str) -> Type:
    """The type of a whole custom resource of kind `name`. Decoding prunes; values of a wrong type are left to `validate`."""
    type_ = _type(schema, name, root=True)
    type_.defaulting = []
    return type_


def _type(schema: dict, name: str = "", root: bool = False) -> Type:
    values = schema.get("additionalProperties")
    map_type = schema.get("x-kubernetes-map-type", "granular")
    if schema.get("type") == "array":
        made = Type("list", items=_type(schema.get("items") or {}), list_type=schema.get("x-kubernetes-list-type", "atomic"),
                    list_map_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()))
        made.decode = _prune_list
    elif schema.get("type") != "object" and not schema.get("properties"):
        return _kept("int-or-string" if schema.get(INT_OR_STRING) else "string" if schema.get("type") == "string" else "any")
    elif isinstance(values, dict) and not schema.get("properties"):
        made = Type("map", items=_type(values), map_type=map_type)
        made.decode = _prune_map
    else:
        def fields() -> dict[str, Field]:
            known = {key: Field(key, _type(value, key), key in (schema.get("required") or ()), _scalar(value.get("default")))
                     for key, value in (schema.get("properties") or {}).items()}
            return {**known, **schemas.object_meta_fields()} if root or schema.get(EMBEDDED) else known

        made = Type("object", name, load_fields=fields, map_type=map_type, open=bool(schema.get(PRESERVE) or values is True))
        made.decode = _prune_object
    return made


def _kept(kind: str) -> Type:
    made = Type(kind)
    made.decode = _keep
    return made


def _scalar(value: Any) -> Any:
    """Defaults matter to a type only as keys of list items."""
    return None if isinstance(value, dict | list) else value


def _keep(type_: Type, value: Any, context) -> Any:
    return value


def _prune_object(type_: Type, value: Any, context) -> Any:
    if not isinstance(value, dict):
        return value
    result, path = {}, context.path
    for key, item in value.items():
        field = type_.fields.get(key)
        path.append(key)
        if field is not None and item is not None:
            result[key] = field.type.decode(field.type, item, context)
        elif field is not None or type_.open:
            result[key] = item
        else:
            context.unknown.append(schemas.shown_path(path))
        path.pop()
    return result


def _prune_map(type_: Type, value: Any, context) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _below(type_.items, key, item, context) for key, item in value.items()}


def _prune_list(type_: Type, value: Any, context) -> Any:
    if not isinstance(value, list):
        return value
    return [_below(type_.items, index, item, context) for index, item in enumerate(value)]


def _below(type_: Type, at: str | int, value: Any, context) -> Any:
    context.path.append(at)
    decoded = type_.decode(type_, value, context)
    context.path.pop()
    return decoded


# -- defaults ----------------------------------------------------------------------------------------------


def apply_defaults(schema: dict, value: Any) -> None:
    """Fill in, in place. A null where null is not allowed counts as absent if there is a default."""
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, inner in properties.items():
            if "default" in inner and (key not in value or (value[key] is None and not inner.get("nullable"))):
                value[key] = copy.deepcopy(inner["default"])
            if key in value:
                apply_defaults(inner, value[key])
        if isinstance(others, dict):
            for key in value.keys() - properties.keys():
                apply_defaults(others, value[key])
    elif isinstance(value, list):
        for item in value:
            apply_defaults(schema.get("items") or {}, item)


# -- validation --------------------------------------------------------------------------------------------


def validate(schema: dict, value: Any, path: str = "", old: Any = _ABSENT) -> list[FieldError]:
    """Every finding. What an update leaves as it was in `old` is not looked at again (CRDValidationRatcheting)."""
    if old is not _ABSENT and value == old:
        return []
    return [*_types(schema, value, path, old), *_lists_and_embedded(schema, value, path)] or [*_rules(schema, value, path, old)]


def _types(schema: dict, value: Any, path: str, old: Any = _ABSENT) -> Iterator[FieldError]:
    if old is not _ABSENT and value == old:
        return
    if value is None and schema.get("nullable"):
        return
    kinds = ["integer", "string"] if schema.get(INT_OR_STRING) else [schema["type"]] if schema.get("type") else []
    actual = _kind(value)
    if kinds and actual not in kinds and not (actual == "integer" and "number" in kinds):
        yield _wrong_type(path, ",".join(kinds), actual)
        return
    if value is None:
        return
    yield from _alternatives(schema, value, path)
    if "enum" in schema and value not in schema["enum"]:
        yield not_supported(path, value, [v if isinstance(v, str) else orjson.dumps(v).decode() for v in schema["enum"]])
    if isinstance(value, str):
        yield from _string(schema, value, path)
    elif isinstance(value, dict):
        yield from _object(schema, value, path, old)
    elif isinstance(value, list):
        yield from _array(schema, value, path, old)
    elif not isinstance(value, bool):
        yield from _number(schema, value, path)


def _rules(schema: dict, value: Any, path: str, old: Any) -> Iterator[FieldError]:
    """x-kubernetes-validations, here and within."""
    if value is None or (old is not _ABSENT and value == old):
        return
    for rule, message in expressions.broken_rules(schema, value, old, old is not _ABSENT):
        yield _broken(f"{path}{rule.get('fieldPath', '')}".removeprefix("."), rule.get("reason"), schema.get("type", ""), message)
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        before = old if isinstance(old, dict) else {}
        for key in sorted(value):
            if isinstance(inner := properties.get(key, others), dict):
                yield from _rules(inner, value[key], _child(path, key), before.get(key, _ABSENT))
    elif isinstance(value, list):
        before = _by_keys(schema, old) if isinstance(old, list) else {}
        for index, item in enumerate(value):
            yield from _rules(schema.get("items") or {}, item, f"{path}[{index}]", before.get(_key(schema, item), _ABSENT))


def _broken(path: str, reason: str | None, kind: str, message: str) -> FieldError:
    path = path or "<nil>"
    match reason:
        case "FieldValueForbidden":
            return forbidden_field(path, message)
        case "FieldValueRequired":
            return required(path, message)
        case "FieldValueDuplicate":
            return duplicate(path, kind)
    return invalid_value(path, kind, message)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _wrong_type(path: str, wanted: str, actual: str) -> FieldError:
    body = f'Invalid value: {orjson.dumps(actual).decode()}: {path} in body must be of type {wanted}: {orjson.dumps(actual).decode()}'
    return FieldError("FieldValueTypeInvalid", path, body)


def _should(path: str, value: Any, rule: str) -> FieldError:
    return invalid_value(path, value, f"{path} in body should {rule}")


def _string(schema: dict, value: str, path: str) -> Iterator[FieldError]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield too_long(path, schema["maxLength"])
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield _should(path, value, f"be at least {schema['minLength']} chars long")
    if (pattern := schema.get("pattern")) and not compiled(pattern).search(value):
        yield _should(path, value, f"match '{pattern}'")
    known = FORMATS.get(schema.get("format", ""))
    if known and not _conforms(known, value):
        yield _wrong_type(path, schema["format"], value)


def _number(schema: dict, value: int | float, path: str) -> Iterator[FieldError]:
    if (step := schema.get("multipleOf")) and Decimal(str(value)) % Decimal(str(step)):
        yield _should(path, value, f"be a multiple of {_go(step)}")
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None and (value >= high if schema.get("exclusiveMaximum") else value > high):
        yield _should(path, value, f"be less than {'' if schema.get('exclusiveMaximum') else 'or equal to '}{_go(high)}")
    if low is not None and (value <= low if schema.get("exclusiveMinimum") else value < low):
        yield _should(path, value, f"be greater than {'' if schema.get('exclusiveMinimum') else 'or equal to '}{_go(low)}")
    bits = {"int32": 31, "int64": 63}.get(schema.get("format", ""))
    if bits and not -(1 << bits) <= value < 1 << bits:
        yield invalid_value(path, value, f"Checked value must be of type integer with format {schema['format']}: {value}")


def _go(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) and not number.is_integer() else str(int(number))


def _object(schema: dict, value: dict, path: str, old: Any) -> Iterator[FieldError]:
    if "minProperties" in schema and len(value) < schema["minProperties"]:
        yield _should(path, len(value), f"have at least {schema['minProperties']} properties")
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        yield too_many(path, len(value), schema["maxProperties"])
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    before = old if isinstance(old, dict) else {}
    for key in sorted(value):
        inner = properties.get(key, others if isinstance(others, dict) else None)
        if inner is not None:
            yield from _types(inner, value[key], _child(path, key), before.get(key, _ABSENT))
    for key in schema.get("required") or ():
        if key not in value:
            yield required(_child(path, key))


def _array(schema: dict, value: list, path: str, old: Any) -> Iterator[FieldError]:
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield _should(path, len(value), f"have at least {schema['minItems']} items")
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield too_many(path, len(value), schema["maxItems"])
    before = _by_keys(schema, old) if isinstance(old, list) else {}
    for index, item in enumerate(value):
        yield from _types(schema.get("items") or {}, item, f"{path}[{index}]", before.get(_key(schema, item), _ABSENT))


def _by_keys(schema: dict, items: list) -> dict[bytes | None, Any]:
    found = {_key(schema, item): item for item in items}
    found.pop(None, None)
    return found


def _key(schema: dict, item: Any) -> bytes | None:
    """What identifies an item of a list: its keys in a map, itself in a set, nothing in other lists."""
    match schema.get("x-kubernetes-list-type"):
        case "map" if isinstance(item, dict):
            return orjson.dumps({key: item[key] for key in sorted(schema.get("x-kubernetes-list-map-keys") or ()) if key in item})
        case "set":
            return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    return None


def _alternatives(schema: dict, value: Any, path: str) -> Iterator[FieldError]:
    """allOf, anyOf, oneOf, not. The best failure of alternatives is told too."""
    for inner in schema.get("allOf") or ():
        if found := list(_types(inner, value, path)):
            yield _composite(f'"{path}" must validate all the schemas (allOf)')
            yield from found
    for word, wrong in (("anyOf", lambda valid: not valid), ("oneOf", lambda valid: valid != 1)):
        if word not in schema:
            continue
        results = [list(_types(inner, value, path)) for inner in schema[word]]
        valid = sum(not found for found in results)
        if wrong(valid):
            if word == "anyOf":
                yield _composite(f'"{path}" must validate at least one schema (anyOf)')
            else:
                what = f"Found {valid} valid alternatives" if valid else "Found none valid"
                yield _composite(f'"{path}" must validate one and only one schema (oneOf). {what}')
            if not valid:
                yield from min(results, key=len, default=[])
    if "not" in schema and not list(_types(schema["not"], value, path)):
        yield _composite(f'"{path}" must not validate the schema (not)')


def _composite(text: str) -> FieldError:
    return invalid_value("<nil>", "", text)


def _lists_and_embedded(schema: dict, value: Any, path: str) -> Iterator[FieldError]:
    if isinstance(value, dict):
        if schema.get(EMBEDDED):
            yield from (required(_child(path, key), "must not be empty") for key in ("apiVersion", "kind") if not value.get(key))
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            if inner := properties.get(key, others if isinstance(others, dict) else None):
                yield from _lists_and_embedded(inner, item, _child(path, key))
    elif isinstance(value, list):
        seen = set()
        for index, item in enumerate(value):
            key = _key(schema, item)
            if key is not None and key in seen:
                yield duplicate(f"{path}[{index}]", orjson.loads(key))
            seen.add(key)
            yield from _lists_and_embedded(schema.get("items") or {}, item, f"{path}[{index}]")


def _child(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@cache
def compiled(pattern: str) -> re.Pattern:
    """A Go (RE2) expression. Raises re.error."""
    return re.compile(re.sub(r"\\z", r"\\Z", pattern).replace("[[:alpha:]]", "[A-Za-z]"), re.ASCII)


# -- formats (kube-openapi `pkg/validation/strfmt`) ------------------------------------------------------------


def _date_time(value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value):
        raise ValueError(value)
    datetime.fromisoformat(re.sub(r"\.\d+", "", value.upper()))


def _duration(value: str) -> None:
    if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)\s?[a-zµ]+((\d+(\.\d*)?|\.\d+)[a-zµ]+)*", value) and value != "0":
        raise ValueError(value)


def _matching(pattern: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(value)

    return check


FORMATS: dict[str, Callable[[str], Any]] = {
    "date-time": _date_time, "datetime": _date_time, "date": date.fromisoformat, "duration": _duration,
    "byte": lambda value: base64.b64decode(value, validate=True), "uuid": uuid.UUID,
    "ipv4": ipaddress.IPv4Address, "ipv6": ipaddress.IPv6Address, "cidr": lambda value: ipaddress.ip_network(value, strict=False),
    "email": _matching(r"[^@\s]+@[^@\s]+"), "hostname": _matching(r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9][-A-Za-z0-9]*)*"),
    "uri": _matching(r"[A-Za-z][-+.A-Za-z0-9]*:\S*"), "mac": _matching(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"),
}


def _conforms(check: Callable[[str], Any], value: str) -> bool:
    try:
        check(value)
        return True
    except (ValueError, binascii.Error):
        return False
