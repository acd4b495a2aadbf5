"""The three kinds of PATCH a client may send. None changes its arguments; all return a new object, to be decoded by `schema.decode`.

JSON patch (RFC 6902) as gopkg.in/evanphx/json-patch.v4, merge patch (RFC 7386), strategic merge patch as apimachinery
`pkg/util/strategicpatch/patch.go`; errors as apiserver `pkg/endpoints/handlers/patch.go`.
"""
from typing import Any

import jsonpatch
import jsonpointer
import orjson

from . import schema
from .errors import ApiError, FieldError, bad_request, invalid, unexplained
from .schema import Type

MAX_JSON_PATCH_OPERATIONS = 10_000
DIRECTIVE, RETAIN_KEYS = "$patch", "$retainKeys"
DELETE_FROM_LIST, ELEMENT_ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"
BAD_RETAIN_KEYS = "invalid patch format of retainKeys"
BAD_ELEMENT_ORDER = "invalid patch format of setElementOrder list"
BAD_PRIMITIVE_LIST = "invalid patch format of primitive list"


def decode_patched(type_: Type, patched: dict, shown: str, gvk: tuple[str, str, str], validation: str) -> tuple[dict, list[str]]:
    """`schema.decode` of a patch's result. `shown` is what an error quotes: the patched JSON, for a strategic patch
    `go_format(patch)`. Raises ApiError 422."""
    try:
        return schema.decode(type_, patched, gvk, validation)
    except schema.DecodeError as error:
        raise invalid("", "", [FieldError("FieldValueInvalid", "patch", f"Invalid value: {go_quote(shown)}: {error.text}")]) from error


def parse(body: bytes, kind: str) -> tuple[Any, list[str]]:
    """(the patch, texts about duplicate fields) of a request's body. `kind` as `Registry.patch`. Raises ApiError 400."""
    try:
        if kind == "apply":
            value, duplicates = schema.load_yaml(body)
            if value is not None and not isinstance(value, dict):
                what = f"cannot unmarshal {schema.json_kind(value)} into Go value of type map[string]interface {{}}"
                raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: json: {what}")
            return value or {}, duplicates
        return schema.load_json(body)
    except schema.YamlError as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    except schema.JsonError as error:
        raise bad_request(str(error) if kind == "strategic" else f"error decoding patch: {error}") from None


# -- JSON patch ------------------------------------------------------------------------------------------


class _Replace(jsonpatch.ReplaceOperation):
    """Upstream's replace sets a key that is missing from a map."""

    def apply(self, obj):
        parent, key = self.pointer.to_last(obj)
        if isinstance(parent, dict) and key is not None:
            parent[key] = self.operation["value"]
            return obj
        return super().apply(obj)


class _JsonPatch(jsonpatch.JsonPatch):
    operations = {**jsonpatch.JsonPatch.operations, "replace": _Replace}


def json_patch(obj: dict, operations: Any) -> dict:
    """Raises ApiError 400 (no patch), 413 (too long), 422 (does not apply)."""
    if not isinstance(operations, list):
        raise bad_request(f"json: cannot unmarshal {schema.json_kind(operations)} into Go value of type jsonpatch.Patch")
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request(f"json: cannot unmarshal {schema.json_kind(operation)} into Go value of type jsonpatch.Operation")
    if len(operations) > MAX_JSON_PATCH_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity is too large: {text}")
    try:
        if any(o.get("path") == "" and o.get("op") not in ("replace", "test") for o in operations):
            raise jsonpatch.InvalidJsonPatch("the whole document can only be replaced or tested")
        patched = _JsonPatch(operations).apply(_copy(obj), in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
        raise _unprocessable() from error
    if not isinstance(patched, dict):
        raise _unprocessable()
    return patched


def _unprocessable() -> ApiError:
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request")


# -- merge patch -----------------------------------------------------------------------------------------


def merge_patch(obj: dict, patch: Any) -> dict:
    """Raises ApiError 400 when `patch` is no object."""
    if not isinstance(patch, dict):
        what = f"cannot unmarshal {schema.json_kind(patch)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding patch: json: {what}")
    return _merge(_copy(obj), patch)


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    target = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = _merge(target.get(key), value)
    return target


# -- strategic merge patch -------------------------------------------------------------------------------


def strategic_merge(obj: dict, patch: Any, type_: Type) -> dict:
    """Raises ApiError 400 for a malformed patch, 422 for one that does not fit."""
    if not isinstance(patch, dict):
        raise bad_request(f"json: cannot unmarshal {schema.json_kind(patch)} into Go value of type map[string]interface {{}}")
    return _merge_map(_copy(obj), _copy(patch), type_)


def _merge_map(original: dict, patch: dict, type_: Type | None) -> dict:
    if DIRECTIVE in patch:
        match patch.pop(DIRECTIVE):
            case "replace":
                return patch
            case "delete":
                return {}
            case directive:
                raise _unknown(f"unknown patch type: {directive} in map: {go_format(patch)}")
    if RETAIN_KEYS in patch:
        _retain_keys(original, patch)
    for key in [k for k in patch if k.startswith(ELEMENT_ORDER)]:
        _merge_ordered(original, patch, key, type_)
    for key, value in patch.items():
        delete_from_list = key.startswith(DELETE_FROM_LIST)
        if delete_from_list:
            key = key.removeprefix(DELETE_FROM_LIST)
            if not isinstance(value, list):
                raise bad_request(BAD_PRIMITIVE_LIST)
        if value is None:
            original.pop(key, None)
        elif key not in original:
            if not delete_from_list:
                original[key] = _without_directives(value)
        elif isinstance(value, dict) and isinstance(original[key], dict):
            _, strategy, _ = _lookup(type_, key)
            merged = _merge_map(original[key], value, _child(type_, key)) if strategy != "replace" else value
            original[key] = merged
        elif isinstance(value, list) and isinstance(original[key], list):
            original[key] = _merge_list(original[key], value, type_, key, delete_from_list)
        else:
            original[key] = value
    return original


def _retain_keys(original: dict, patch: dict) -> None:
    keys = patch.pop(RETAIN_KEYS)
    if not isinstance(keys, list):
        raise bad_request(BAD_RETAIN_KEYS)
    for key, value in patch.items():
        if value is not None and not key.startswith((DELETE_FROM_LIST, ELEMENT_ORDER)) and key not in keys:
            raise bad_request(BAD_RETAIN_KEYS)
    for key in [k for k in original if k not in keys]:
        del original[key]


def _merge_ordered(original: dict, patch: dict, directive: str, type_: Type | None) -> None:
    """Merge one list and put it in the order its `$setElementOrder` gives."""
    order, key = patch.pop(directive), directive.removeprefix(ELEMENT_ORDER)
    live, changes = original.get(key), patch.pop(key, None)
    if not all(isinstance(v, list) for v in (order, live, changes) if v is not None) or order is None:
        raise bad_request(BAD_ELEMENT_ORDER)
    _, _, merge_key = _lookup(type_, key)
    _check_order(changes or [], order, merge_key)
    if live is None and changes is None:
        return
    if changes is None:
        merged = live
    elif live is None:
        merged = _without_directives(changes)
    else:
        merged = _merge_list(list(live), changes, type_, key, False)
    original[key] = _in_order(merged, order, live or [], merge_key)


def _check_order(changes: list, order: list, merge_key: str | None) -> None:
    if not order or not changes:
        return
    remaining = iter(_identity(item, merge_key) for item in order)
    for item in changes:
        if not (isinstance(item, dict) and DIRECTIVE in item) and _identity(item, merge_key) not in remaining:
            raise _unknown(f"The order in patch list:\n{go_format(changes)}\n doesn't match $setElementOrder list:\n{go_format(order)}\n")


def _merge_list(original: list, patch: list, type_: Type | None, key: str, delete_from_list: bool) -> list:
    items, strategy, merge_key = _lookup(type_, key)
    if strategy != "merge":
        return patch
    if not original and not patch:
        return original
    if len({isinstance(v, dict) for v in original + patch}) != 1:
        raise _unknown("list element types are not identical")
    if not isinstance((original or patch)[0], dict):
        if any(isinstance(v, list) for v in original + patch):
            raise _unprocessable()
        if delete_from_list:
            return [v for v in original if v not in patch]
        return _in_order([*original, *(v for v in dict.fromkeys(patch) if v not in original)], patch, original, None)
    if merge_key is None:
        raise _unknown("cannot merge lists without merge key for type struct")
    original, patch = _apply_element_directives(original, patch, merge_key)
    merged = list(original)
    for change in patch:
        identity = _identity(change, merge_key)
        at = next((i for i, item in enumerate(merged) if item.get(merge_key) == identity), None)
        if at is None:
            merged.append(_without_directives(change))
        else:
            merged[at] = _merge_map(merged[at], change, items)
    return _in_order(merged, patch, original, merge_key)


def _apply_element_directives(original: list, patch: list, merge_key: str) -> tuple[list, list]:
    plain, replace = [], False
    for change in patch:
        match change.get(DIRECTIVE):
            case None:
                plain.append(change)
            case "delete":
                identity = _identity(change, merge_key)
                original = [item for item in original if item.get(merge_key) != identity]
            case "replace":
                replace = True
            case "merge":
                raise _unknown("merging lists cannot yet be specified in the patch")
            case directive:
                raise _unknown(f"unknown patch type: {directive} in map: {go_format(change)}")
    return (plain, []) if replace else (original, plain)


def _in_order(merged: list, patch_order: list, live_order: list, merge_key: str | None) -> list:
    """Items of the patch keep the patch's order, others the live one; between the two the live order decides where it
    knows both, else the patch's items come first."""
    wanted = [_identity(v, merge_key) for v in patch_order]
    live = [_identity(v, merge_key) for v in live_order]

    def position(order: list, item: Any) -> int:
        identity = _identity(item, merge_key)
        return order.index(identity) if identity in order else -1

    ours = sorted((v for v in merged if position(wanted, v) >= 0), key=lambda v: position(wanted, v))
    others = sorted((v for v in merged if position(wanted, v) < 0), key=lambda v: position(live, v))
    result = []
    while ours and others:
        left, right = position(live, others[0]), position(live, ours[0])
        result.append(others.pop(0) if left >= 0 and right >= 0 and left < right else ours.pop(0))
    return result + ours + others


def _identity(item: Any, merge_key: str | None) -> Any:
    if merge_key is None:
        return item
    if not isinstance(item, dict) or merge_key not in item:
        raise _unknown(f"map: {go_format(item)} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def _lookup(type_: Type | None, key: str) -> tuple[Type | None, str | None, str | None]:
    """(element type, `replace` or `merge` or None, merge key) of a field."""
    field = type_.fields.get(key) if type_ is not None else None
    if field is None:
        return None, None, None
    strategies = [s for s in (field.patch_strategy or "").split(",") if s and s != "retainKeys"]
    return field.type.items, strategies[0] if strategies else None, field.merge_key


def _child(type_: Type | None, key: str) -> Type | None:
    if type_ is None:
        return None
    return type_.fields[key].type if key in type_.fields else type_.items


def _without_directives(value: Any) -> Any:
    """A value the patch adds: without its nulls, directives and deletions."""
    if isinstance(value, dict):
        return {k: _without_directives(v) for k, v in value.items()
                if v is not None and k not in (DIRECTIVE, RETAIN_KEYS) and not k.startswith((DELETE_FROM_LIST, ELEMENT_ORDER))}
    if isinstance(value, list):
        return [_without_directives(v) for v in value if not (isinstance(v, dict) and v.get(DIRECTIVE) in ("delete", "replace"))]
    return value


def _unknown(message: str) -> ApiError:
    return unexplained(message)


def go_format(value: Any) -> str:
    """`value` as Go prints it with %v."""
    match value:
        case dict():
            return f"map[{' '.join(f'{k}:{go_format(v)}' for k, v in sorted(value.items()))}]"
        case list():
            return f"[{' '.join(map(go_format, value))}]"
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
    return str(value)


def go_quote(text: str) -> str:
    """`text` as Go prints it with %q."""
    return orjson.dumps(text).decode()


def _copy(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
