"""An object as YAML: what is wanted, what is there, who manages which field, and how a file differs from it."""
import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import yaml as pyyaml

from kubeschool.inspectors.controls import Choice
from kubeschool.inspectors.subject import Subject
from kubeschool.inspectors.view import Line, View, inspector

BOOKKEEPING = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SHOW = ("wanted", "actual", "managers")
Path_ = tuple[str | int, ...]


@inspector
def yaml(cluster, target, show: str = "", file: str = "") -> View:
    """`show` is "wanted" (all but status and bookkeeping), "actual" (the status), "managers" (who wrote each field last, from
    metadata.managedFields) or, with a `file`, "diff", which is then the first shown. Fields the file does not set are the cluster's."""
    subject = Subject(cluster, target)
    options = (*SHOW, "diff") if file else SHOW
    show = show or ("diff" if file else "wanted")
    if show not in options:
        return View("yaml", [], lambda: [Line(f'show is one of {", ".join(options)}, not "{show}"', state="bad")])
    choice = Choice("show", options, show)

    def model() -> list[Line]:
        lines = []
        for obj in subject.objects:
            lines += [Line(prefix="---")] if lines else []
            lines += _diff(obj, file) if choice.value == "diff" else _shown(obj, choice.value)
        return lines or [subject.missing]

    return View(f"YAML of {target}", subject.feeds, model, [choice])


def _shown(obj: dict, show: str) -> list[Line]:
    if show == "actual":
        status = obj.get("status")
        return [Line(prefix=text) for text, _ in emit({"status": status})] if status else [Line(obj["kind"], "has no status", "gone")]
    if show == "wanted":
        return [Line(prefix=text) for text, _ in emit(wanted(obj))]
    owner = managers(obj)
    lines = list(emit({**wanted(obj), **({"status": obj["status"]} if "status" in obj else {})}))
    wide = min(60, max(len(text) for text, _ in lines))
    owners = [(text, owner(path)) for text, path in lines]
    return [Line(prefix=f"{text:{wide}}" if who else text, detail=f"← {who}" if who else "") for text, who in owners]


def wanted(obj: dict) -> dict:
    meta = {key: value for key, value in obj["metadata"].items() if key not in BOOKKEEPING}
    if annotations := {k: v for k, v in meta.pop("annotations", {}).items() if k != LAST_APPLIED}:
        meta["annotations"] = annotations
    head = {key: obj[key] for key in ("apiVersion", "kind") if key in obj}
    return {**head, "metadata": meta, **{k: v for k, v in obj.items() if k not in (*head, "metadata", "status")}}


def emit(value, path: Path_ = (), pad: str = "") -> Iterator[tuple[str, Path_]]:
    """(line, path of the field it is about), indented as kubectl does it."""
    if isinstance(value, dict):
        items = [(f"{pyyaml.safe_dump(key).splitlines()[0]}:", (*path, key), each) for key, each in value.items()]
    else:
        items = [("-", (*path, i), each) for i, each in enumerate(value)]
    for head, at, each in items:
        if isinstance(each, dict | list) and each:
            deeper = pad if head != "-" and isinstance(each, list) else pad + "  "
            lines = emit(each, at, deeper)
            if head == "-":
                first, where = next(lines)
                yield f"{pad}- {first[len(deeper):]}", where
            else:
                yield f"{pad}{head}", at
            yield from lines
        elif isinstance(each, str) and "\n" in each:
            yield f"{pad}{head} |", at
            yield from ((f"{pad}  {line}", at) for line in each.splitlines())
        else:
            yield f"{pad}{head} {_scalar(each)}", at


def _scalar(value) -> str:
    return pyyaml.safe_dump(value, width=10**6, default_flow_style=True, allow_unicode=True).removesuffix("\n").removesuffix("\n...")


def managers(obj: dict):
    """A function from a field's path to the names of its managers (FieldsV1: sigs.k8s.io/structured-merge-diff, fieldpath/serialize.go)."""
    owned: dict[Path_, set[str]] = {}
    whole: dict[Path_, set[str]] = {}

    def walk(fields: dict, value, path: Path_, who: str) -> None:
        for key, below in fields.items():
            if key == ".":
                owned.setdefault(path, set()).add(who)
            elif (step := _step(key, value)) is not None:
                child = value[step] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
                if below:
                    walk(below, child, (*path, step), who)
                else:
                    whole.setdefault((*path, step), set()).add(who)

    for entry in obj["metadata"].get("managedFields", ()):
        walk(entry.get("fieldsV1", {}), obj, (), entry["manager"])

    def owner(path: Path_) -> str:
        names = set(owned.get(path, ()))
        for end in range(len(path), 0, -1):
            if found := whole.get(path[:end]):
                names |= found
                break
        return ", ".join(sorted(names))

    return owner


def _step(key: str, value) -> str | int | None:
    """`f:name` a field, `k:{"name":"web"}` the item with these keys, `v:"x"` the item that is it, `i:0` an index."""
    kind, _, rest = key.partition(":")
    if kind == "f":
        return rest
    if not isinstance(value, list):
        return None
    if kind == "i":
        return int(rest) if int(rest) < len(value) else None
    meant = json.loads(rest)
    for i, item in enumerate(value):
        if item == meant or (kind == "k" and isinstance(item, dict) and all(item.get(k) == v for k, v in meant.items())):
            return i
    return None


def _diff(obj: dict, file: str) -> list[Line]:
    name = (obj["kind"], obj["metadata"]["name"])
    try:
        documents = [d for d in pyyaml.safe_load_all(Path(file).read_text(encoding="utf-8")) if isinstance(d, dict)]
    except (OSError, UnicodeDecodeError, pyyaml.YAMLError) as error:
        return [Line(file, f"cannot be read: {' '.join(str(error).split())}", "bad")]
    ours = next((d for d in documents if (d.get("kind"), (d.get("metadata") or {}).get("name")) == name), None)
    if ours is None:
        return [Line(file, f"has no {name[0]} {name[1]}", "bad")]
    here, there = ([text for text, _ in emit(each)] for each in (ours, _like(obj, ours)))
    if here == there:
        return [Line(f"{file} and the cluster say the same", state="good"), *(Line(prefix=f"  {text}") for text in here)]
    lines = [Line(f"− {file}    + the cluster")]
    for text in difflib.ndiff(here, there):
        if text[0] != "?":
            sign = {"-": "− ", "+": "+ "}.get(text[0], "")
            lines.append(Line(text[2:], prefix=sign) if sign else Line(prefix=text))
    return lines


def _like(live, ours):
    """Of `live`, what `ours` sets; items of lists are the same when their name is."""
    if isinstance(live, dict) and isinstance(ours, dict):
        return {key: _like(live[key], value) for key, value in ours.items() if key in live}
    if isinstance(live, list) and isinstance(ours, list):
        named = {item["name"]: item for item in ours if isinstance(item, dict) and "name" in item}
        return [_like(item, named.get(item.get("name")) if named and isinstance(item, dict) else ours[i] if i < len(ours) else None)
                for i, item in enumerate(live)]
    return live
