"""Who owns which field: `metadata.managedFields` on every write, and server-side apply.

Algorithms of structured-merge-diff (`merge/update.go`, `typed/{compare,merge,remove,tofieldset}.go`) and apimachinery
`pkg/util/managedfields/internal`. A set of fields is kept as its FieldsV1 JSON: nested dicts whose keys are path elements
(`f:name`, `k:{…}`, `v:…`); `{}` below the root is a member, "." marks a member that has children too. Sets are never
changed in place, and only what differs is walked, since this runs on every write.
"""
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from .errors import ApiError, unexplained
from .schema import Type

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
UNTRACKED = frozenset({"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
                       "resourceVersion"})
ANY = Type("any")
Fields = dict[str, Any]
MEMBER: Fields = {}


class Manager(NamedTuple):
    """What tells entries apart. The API version counts for updates only."""

    operation: str
    name: str
    subresource: str
    api_version: str


class Owned(NamedTuple):
    fields: Fields
    api_version: str
    time: str


def update(old: dict | None, new: dict, type_: Type, *, manager: str, api_version: str, now: str, subresource: str = "",
           operation: str = "Update") -> list[dict]:
    """The managedFields `new` gets when `manager` replaces `old` (None: creates it). Neither is changed.

    What changed passes from its former owners to `manager`; what is gone is owned by nobody. `now` is an RFC 3339 time.
    """
    given = new.get("metadata", {}).get("managedFields")
    live = (old or {}).get("metadata", {}).get("managedFields") or []
    if given == [{}]:
        return []
    entries = live if subresource or not given else given
    changed, removed = _compare(type_, _tracked(old or {}, subresource), _tracked(new, subresource))
    if not changed and not removed:
        return entries
    gone = _union(changed, removed)
    owners = {who: Owned(_difference(owned.fields, gone), *owned[1:]) for who, owned in _decode(entries).items()}
    if changed:
        who = Manager(operation, manager, subresource, api_version)
        before = owners[who].fields if who in owners else {}
        owners[who] = Owned(_union(before, changed), api_version, now)
    return _encode(owners)


def apply(live: dict | None, applied: dict, type_: Type, *, manager: str, force: bool, api_version: str, now: str,
          subresource: str = "") -> dict:
    """Server-side apply: `live` (None: nothing there) with `applied` merged in, fields given up by `manager` removed, and its
    managedFields set. Raises ApiError 409 when other managers own fields this would change and `force` is off."""
    current = live or {}
    who = Manager("Apply", manager, subresource, "")
    owners = _decode(current.get("metadata", {}).get("managedFields") or [])
    last = owners.get(who)
    reset = _reset_field(subresource)
    applied = {key: value for key, value in applied.items() if key != reset}
    owned = Owned(_field_set(type_, _tracked(applied, subresource)), api_version, now)
    owners[who] = owned
    merged = _merge(type_, current, applied)
    if last:
        merged = _prune(type_, merged, last.fields, [o.fields for o in owners.values()])
    changed, removed = _compare(type_, _tracked(current, subresource), _tracked(merged, subresource))
    conflicts = {other: shared for other, owned_ in owners.items()
                 if other != who and (shared := _intersection(owned_.fields, changed))}
    if conflicts and not force:
        _refuse(_without_client_side_applied(type_, current, manager, conflicts))
    gone = _union(changed, removed)
    owners = {other: o if other == who else Owned(_difference(o.fields, gone), *o[1:]) for other, o in owners.items()}
    if last and last.fields == owned.fields and not changed and not removed:
        owners[who] = last
    merged["metadata"] = {**merged.get("metadata", {}), "managedFields": _encode(owners)}
    return merged


# -- entries ---------------------------------------------------------------------------------------------


def _decode(entries: list[dict]) -> dict[Manager, Owned]:
    owners = {}
    for entry in entries:
        operation, version = entry.get("operation", "Update"), entry.get("apiVersion", "")
        who = Manager(operation, entry.get("manager", ""), entry.get("subresource", ""), version if operation == "Update" else "")
        owners[who] = Owned(entry.get("fieldsV1", {}), version, entry.get("time", ""))
    return owners


def _encode(owners: dict[Manager, Owned]) -> list[dict]:
    entries = []
    for who, owned in sorted(owners.items(), key=lambda item: (item[0].operation, item[1].time, *item[0][1:])):
        if owned.fields:
            entry = {"manager": who.name, "operation": who.operation, "apiVersion": owned.api_version, "time": owned.time,
                     "fieldsType": "FieldsV1", "fieldsV1": owned.fields, "subresource": who.subresource}
            entries.append({key: value for key, value in entry.items() if value})
    return entries


def _reset_field(subresource: str) -> str:
    """What a write through this subresource cannot change (`GetResetFields` of the strategies)."""
    return "spec" if subresource == "status" else "status"


def _tracked(obj: dict, subresource: str) -> dict:
    """The part of an object whose fields a write can own (upstream's stripMeta and reset fields)."""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in UNTRACKED}
    untracked = ("apiVersion", "kind", "metadata", _reset_field(subresource))
    tracked = {key: value for key, value in obj.items() if key not in untracked}
    return {**tracked, "metadata": metadata} if metadata else tracked


# -- sets of fields --------------------------------------------------------------------------------------


def _is_member(node: Fields) -> bool:
    return not node or "." in node


def _union(left: Fields, right: Fields) -> Fields:
    if not left or not right:
        return left or right
    result = dict(left)
    for element, theirs in right.items():
        ours = result.get(element)
        if ours is None:
            result[element] = theirs
        elif not ours or not theirs:
            children = ours or theirs
            result[element] = {".": MEMBER, **children} if children else MEMBER
        else:
            result[element] = _union(ours, theirs)
    return result


def _difference(left: Fields, right: Fields) -> Fields:
    result = left
    for element, theirs in right.items():
        ours = left.get(element)
        if ours is None:
            continue
        children = _difference(ours, theirs) if ours and theirs else ours
        member = _is_member(ours) and not _is_member(theirs)
        kept = {key: child for key, child in children.items() if key != "."}
        if member and kept:
            kept["."] = MEMBER
        if kept == ours and member == _is_member(ours):
            continue
        if result is left:
            result = dict(left)
        if kept or member:
            result[element] = kept
        else:
            del result[element]
    return result


def _intersection(left: Fields, right: Fields) -> Fields:
    result = {}
    for element, theirs in right.items():
        ours = left.get(element)
        if ours is None:
            continue
        shared = _intersection(ours, theirs)
        if _is_member(ours) and _is_member(theirs):
            result[element] = {".": MEMBER, **shared} if shared else MEMBER
        elif shared:
            result[element] = shared
    return result


def _paths(fields: Fields, prefix: str = "") -> Iterator[str]:
    """Members as conflicts name them: `.spec.containers[name="web"].image`."""
    ordered = sorted((element, node) for element, node in fields.items() if element != ".")
    for element, node in ordered:
        if _is_member(node):
            yield prefix + _shown(element)
    for element, node in ordered:
        yield from _paths(node, prefix + _shown(element))


def _shown(element: str) -> str:
    form, _, rest = element.partition(":")
    if form == "f":
        return f".{rest}"
    if form == "k":
        return f"[{','.join(f'{key}={orjson.dumps(value).decode()}' for key, value in orjson.loads(rest).items())}]"
    return f"[={rest}]"


# -- walking typed values --------------------------------------------------------------------------------


def _is_leaf(type_: Type, value: Any) -> bool:
    """Whether it is owned as a whole. So is what is not of its type: validation comes later."""
    match type_.kind:
        case "object" | "map":
            return type_.map_type == "atomic" or not isinstance(value, dict)
        case "list":
            return type_.list_type == "atomic" or not isinstance(value, list)
    return True


def _below(type_: Type, value: Any) -> Iterator[tuple[str, Any, Type]]:
    """(path element, value, type) of everything directly below. A list may hold an element twice."""
    if type_.kind == "list":
        return ((_element(type_, item), item, type_.items if isinstance(item, dict) else ANY) for item in value)
    if type_.kind == "map":
        return ((f"f:{key}", item, type_.items) for key, item in value.items())
    fields = type_.fields
    return ((f"f:{key}", item, fields[key].type if key in fields else ANY) for key, item in value.items())


def _children(type_: Type, value: Any) -> dict[str, tuple[Any, Type]]:
    return {element: (child, child_type) for element, child, child_type in _below(type_, value)}


def _element(type_: Type, item: Any) -> str:
    """The path element of a list's item: its keys, or the value itself in a set."""
    if type_.list_type != "map" or not isinstance(item, dict):
        return f"v:{orjson.dumps(item).decode()}"
    fields = type_.items.fields
    keys = {key: item.get(key, fields[key].default if key in fields else None) for key in sorted(type_.list_map_keys)}
    return f"k:{orjson.dumps({key: value for key, value in keys.items() if value is not None}).decode()}"


def _whole(type_: Type, value: Any) -> Fields:
    """The set of a value that is new or gone as a whole: its node and all below."""
    if not value or _is_leaf(type_, value):
        return MEMBER
    return {".": MEMBER, **{element: _whole(child_type, child) for element, child, child_type in _below(type_, value)}}


def _compare(type_: Type, old: Any, new: Any) -> tuple[Fields, Fields]:
    """(fields added or modified, fields removed) between two values of a type that is no leaf."""
    changed: Fields = {}
    removed: Fields = {}
    if type_.kind == "list" or type_.kind == "map":
        before, after = _children(type_, old), _children(type_, new)
        for element, (value, child_type) in after.items():
            if element not in before:
                changed[element] = _whole(child_type, value)
            elif before[element][0] != value:
                _compare_child(child_type, before[element][0], value, element, changed, removed)
        for element, (value, child_type) in before.items():
            if element not in after:
                removed[element] = _whole(child_type, value)
        return changed, removed
    fields = type_.fields
    for key, value in new.items():
        field = fields.get(key)
        if key in old:
            if old[key] != value:
                _compare_child(field.type if field else ANY, old[key], value, f"f:{key}", changed, removed)
        elif field is not None and (empty := _always_there(field)) is not None:
            _compare_child(field.type, empty, value, f"f:{key}", changed, removed)
        else:
            changed[f"f:{key}"] = _whole(field.type if field else ANY, value)
    for key, value in old.items():
        if key not in new:
            field = fields.get(key)
            if field is not None and (empty := _always_there(field)) is not None:
                _compare_child(field.type, value, empty, f"f:{key}", changed, removed)
            else:
                removed[f"f:{key}"] = _whole(field.type if field else ANY, value)
    return changed, removed


def _always_there(field: Any) -> dict | list | None:
    """The empty value of a field Go always writes (structs without a pointer, required lists): it can be neither added nor
    removed itself."""
    if field.default == {} and not _is_leaf(field.type, {}):
        return {}
    return [] if field.required and not _is_leaf(field.type, []) else None


def _compare_child(type_: Type, old: Any, new: Any, element: str, changed: Fields, removed: Fields) -> None:
    if _is_leaf(type_, old) or _is_leaf(type_, new):
        changed[element] = MEMBER
        return
    more, less = _compare(type_, old, new)
    if more:
        changed[element] = more
    if less:
        removed[element] = less


def _field_set(type_: Type, value: Any) -> Fields:
    """What an applied configuration claims: leaves, list items and map keys, but not the structs on the way."""
    result = {}
    for element, child, child_type in _below(type_, value):
        leaf = _is_leaf(child_type, child)
        below = {} if leaf else _field_set(child_type, child)
        if leaf or child == {}:
            result[element] = MEMBER
        elif type_.kind != "object":
            result[element] = {".": MEMBER, **below} if below else MEMBER
        elif below:
            result[element] = below
    return result


def _merge(type_: Type, live: Any, applied: Any) -> Any:
    """`live` overlaid with `applied`."""
    if _is_leaf(type_, live) or _is_leaf(type_, applied):
        return applied
    theirs = _children(type_, applied)
    if type_.kind != "list":
        return {**live, **{element[2:]: _merge(child_type, live[element[2:]], value) if element[2:] in live else value
                           for element, (value, child_type) in theirs.items()}}
    waiting = [(element, item) for element, item, _ in _below(type_, live)]
    mine = dict(reversed(waiting))
    result = []
    for element, (value, child_type) in theirs.items():
        while waiting and waiting[0][0] not in theirs:
            result.append(waiting.pop(0)[1])
        waiting = [pair for pair in waiting if pair[0] != element]
        result.append(_merge(child_type, mine[element], value) if element in mine else value)
    return result + [item for _, item in waiting]


def _prune(type_: Type, value: Any, last: Fields, owners: list[Fields]) -> Any:
    """`value` without what `last` owned and none of `owners` does now."""
    if _is_leaf(type_, value):
        return value
    kept = []
    for element, child, child_type in _below(type_, value):
        named = type_.kind == "object"
        given_up = element in last and (named or _is_member(last[element]))
        holders = [owned[element] for owned in owners if element in owned]
        if not given_up or any(named or _is_member(node) for node in holders):
            kept.append((element, _prune(child_type, child, last[element], holders) if last.get(element) else child))
    return [child for _, child in kept] if type_.kind == "list" else {element[2:]: child for element, child in kept}


# -- conflicts -------------------------------------------------------------------------------------------


def _without_client_side_applied(type_: Type, live: dict, manager: str, conflicts: dict[Manager, Fields]) -> dict[Manager, Fields]:
    """kubectl may take over what its own last-applied annotation holds (`lastappliedmanager.go`)."""
    annotation = live.get("metadata", {}).get("annotations", {}).get(LAST_APPLIED)
    if manager != "kubectl" or not annotation:
        return conflicts
    try:
        last_applied = orjson.loads(annotation)
        allowed = _field_set(type_, _tracked(last_applied, ""))
    except (ValueError, AttributeError, TypeError):
        return conflicts
    allowed = _union(allowed, {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": MEMBER}}})
    return {other: rest for other, shared in conflicts.items() if (rest := _difference(shared, allowed))}


def check_applied(type_: Type, applied: dict, gvk: Any) -> None:
    """Refuse what server-side apply cannot track, whatever the field validation: unknown fields and doubled list items.
    `gvk` may be a Resource. Raises ApiError 422 without a reason."""
    found = list(_untrackable(type_, applied, ""))
    if found:
        metadata = applied["metadata"] if isinstance(applied.get("metadata"), dict) else {}
        what = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {gvk.group}/{gvk.version}, Kind={gvk.kind}"
        text = found[0] if len(found) == 1 else "errors:\n" + "\n".join(f"  {line}" for line in found)
        raise unexplained(f"failed to create typed patch object ({what}): {text}")


def _untrackable(type_: Type, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list if type_.kind == "list" else dict):
        return
    seen: set[str] = set()
    for element, child, child_type in _below(type_, value) if type_.kind in ("object", "map", "list") else ():
        here = path + ("" if type_.kind == "list" and type_.list_type == "atomic" else _shown(element))
        if type_.kind == "object" and child_type is ANY and not type_.open:
            yield f"{here}: field not declared in schema"
        elif type_.kind == "list" and type_.list_type != "atomic" and element in seen:
            yield f"{path}: duplicate entries for key {_shown(element)}"
        else:
            yield from _untrackable(child_type, child, here)
        seen.add(element)


def _refuse(conflicts: dict[Manager, Fields]) -> None:
    found = [(_described(who), path) for who, fields in sorted(conflicts.items(), key=lambda item: item[0].name) for path in _paths(fields)]
    if not found:
        return
    if len(found) == 1:
        text = f"1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    else:
        lines = []
        for who in dict.fromkeys(who for who, _ in found):
            lines += [f"conflicts with {who}:", *(f"- {path}" for owner, path in found if owner == who)]
        text = f"{len(found)} conflicts: " + "\n".join(lines)
    causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in found]
    raise ApiError(409, "Conflict", f"Apply failed with {text}", {"causes": causes})


def _described(who: Manager) -> str:
    subresource = f' with subresource "{who.subresource}"' if who.subresource else ""
    version = f" using {who.api_version}" if who.operation == "Update" else ""
    return f'"{who.name}"{subresource}{version}'
