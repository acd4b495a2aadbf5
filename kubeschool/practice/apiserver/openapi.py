"""OpenAPI v3 documents and the compact schema, made from the Python client's models.

Importing the client is slow and big, so its own process does it once (`python -m kubeschool.practice.apiserver.openapi`) and
leaves the result in the user's cache folder: a document per group-version as served at /openapi/v3/…, and `schema.json` for
`schema.py`. What the models lack is added: merge keys, list types, defaults, int32 and quantities from `openapi_facts.json`
(distilled from Kubernetes' own documents by tests/tools/distill_openapi_facts.py), words for the fields that hold an object from
`openapi_descriptions.json`, the choices of a field from `openapi_enums.txt`. Schema names, paths and extensions are upstream's.
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import platformdirs

from . import openapi_v2
from .resource import Resource

TEXT = ""
"""In place of a schema's name: the answer is plain text."""
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
SCALARS = {"str": "string", "int": "int64", "bool": "boolean", "float": "number", "datetime": "time", "bytes": "bytes", "object": "any"}
SPECIAL = {
    "quantity": ("io.k8s.apimachinery.pkg.api.resource.Quantity", {
        "description": "An amount with an optional suffix, such as 500m, 1.5, 2k or 128Mi. It is written back in canonical form.",
        "oneOf": [{"type": "string"}, {"type": "number"}]}),
    "int-or-string": ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", {
        "description": "A 32-bit integer or a string.", "format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
    "time": (f"{META}.Time", {"description": "A time in RFC 3339 form.", "format": "date-time", "type": "string"}),
    "microtime": (f"{META}.MicroTime", {
        "description": "A time in RFC 3339 form with microseconds.", "format": "date-time", "type": "string"}),
}
PRIMITIVES = {
    "string": {"type": "string"}, "boolean": {"type": "boolean"}, "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"}, "number": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"}, "any": {"type": "object"},
}
EXTENSIONS = {
    "patch_strategy": "x-kubernetes-patch-strategy", "merge_key": "x-kubernetes-patch-merge-key", "list_type": "x-kubernetes-list-type",
    "list_map_keys": "x-kubernetes-list-map-keys", "map_type": "x-kubernetes-map-type", "default": "default",
}
PATCH_TYPES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
               "application/strategic-merge-patch+json")
PARAMETERS = {
    "dryRun": ("string", "All: go through every stage of the request but store nothing."),
    "fieldManager": ("string", "Name of the actor that makes this change, as managedFields will show it."),
    "fieldValidation": ("string", "What to do about unknown and duplicate fields: Ignore, Warn or Strict."),
    "force": ("boolean", "Take over fields another manager owns. Apply requests only."),
    "gracePeriodSeconds": ("integer", "Seconds until the object is removed; 0 removes it at once."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
    "propagationPolicy": ("string", "What happens to dependents: Orphan, Background or Foreground."),
    "allowWatchBookmarks": ("boolean", "Ask for BOOKMARK events."),
    "continue": ("string", "Token of the previous page of a list."),
    "fieldSelector": ("string", "Restrict the objects by their fields."),
    "labelSelector": ("string", "Restrict the objects by their labels."),
    "limit": ("integer", "Largest number of objects in one answer."),
    "resourceVersion": ("string", "The version to read or watch from."),
    "resourceVersionMatch": ("string", "How resourceVersion applies to a list: Exact or NotOlderThan."),
    "sendInitialEvents": ("boolean", "Begin a watch with the objects there are."),
    "timeoutSeconds": ("integer", "Time limit of a list or watch."),
    "watch": ("boolean", "Stream changes instead of returning a list."),
    "pretty": ("string", "If 'true', then the output is pretty printed."),
    "name": ("string", "name of the {kind}"),
    "namespace": ("string", "object name and auth scope, such as for teams and projects"),
}
WRITE = ("dryRun", "fieldManager", "fieldValidation")
DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
LIST = ("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch",
        "sendInitialEvents", "timeoutSeconds", "watch")


# -- what the server asks --------------------------------------------------------------------------------


class Index:
    """What is served below /openapi: the made documents and those of the custom resources."""

    def __init__(self, custom: list[Resource]):
        self._custom = _by_group_version(custom)
        self._made: dict[str, bytes] = {}

    @cached_property
    def swagger(self) -> tuple[bytes, str]:
        """(the OpenAPI v2 document of everything, its ETag)."""
        body = (_folder() / "swagger.json").read_bytes()
        if self._custom:
            document = orjson.loads(body)
            for path in self._custom:
                openapi_v2.extend(document, orjson.loads(self._document(path)))
            body = orjson.dumps(document)
        return body, f'"{_digest(body)}"'

    @cached_property
    def gnostic(self) -> tuple[bytes, str]:
        """The same in protobuf."""
        body = openapi_v2.gnostic(orjson.loads(self.swagger[0]))
        return body, f'"{_digest(body)}"'

    def index(self) -> tuple[bytes, str]:
        """(body of GET /openapi/v3, its ETag)."""
        hashes = _hashes() | {path: _digest(self._document(path)) for path in self._custom}
        paths = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"} for path, digest in hashes.items()}
        body = orjson.dumps({"paths": paths})
        return body, f'"{_digest(body)}"'

    def document(self, path: str) -> tuple[bytes, str] | None:
        """(document, ETag) of a group-version by its path, `api/v1` or `apis/apps/v1`; None when there is none."""
        if path in self._custom:
            return self._document(path), f'"{_digest(self._document(path))}"'
        hashes = _hashes()
        return ((_folder() / _file_name(path)).read_bytes(), f'"{hashes[path]}"') if path in hashes else None

    def _document(self, path: str) -> bytes:
        if path not in self._made:
            resources = self._custom[path]
            self._made[path] = orjson.dumps(_document(path, resources, CustomDefinitions(resources)))
        return self._made[path]


def _hashes() -> dict[str, str]:
    return orjson.loads((_folder() / "index.json").read_bytes())


def load_compact_schema() -> dict:
    """{"kinds": {"group/version/Kind": name}, "definitions": {name: {field: facts}}}."""
    return orjson.loads((_folder() / "schema.json").read_bytes())


def _folder() -> Path:
    """Where the documents of these resources are, made when they are not there (yet, or any more)."""
    folder = _cache() / _served_key()
    if not folder.exists():
        subprocess.run([sys.executable, "-m", __name__], check=True, stdin=subprocess.DEVNULL)
    return folder


def _cache() -> Path:
    return Path(platformdirs.user_cache_dir("kubeschool")) / "openapi"


@cache
def _served_key() -> str:
    from .resources import RESOURCES

    return cache_key(RESOURCES)


def cache_key(resources: Iterable[Resource]) -> str:
    """Changes with the client, the facts, this file and the resources served."""
    served = [(r.api_version, r.kind, r.plural, r.namespaced, r.verbs, r.model, sorted(r.subresources.items())) for r in resources]
    sources = ("openapi.py", "openapi_v2.py", "openapi_facts.json", "openapi_descriptions.json", "openapi_enums.txt", "protobuf_fields.txt")
    content = b"".join(files(__package__).joinpath(name).read_bytes() for name in sources)
    return f"{version('kubernetes')}-{_digest(content + repr(served).encode())[:16]}"


def _digest(content: bytes) -> str:
    return hashlib.sha512(content).hexdigest().upper()


def _file_name(path: str) -> str:
    return f"{path.replace('/', '__')}.json"


# -- generating ------------------------------------------------------------------------------------------


def generate(resources: list[Resource], folder: Path) -> None:
    """Write everything into `folder`, which appears complete or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    definitions = Definitions()
    hashes, documents = {}, []
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        for path, group_version in _by_group_version(resources).items():
            documents.append(_document(path, group_version, definitions))
            body = orjson.dumps(documents[-1])
            hashes[path] = _digest(body)
            (made / _file_name(path)).write_bytes(body)
        (made / "index.json").write_bytes(orjson.dumps(hashes))
        (made / "swagger.json").write_bytes(orjson.dumps(openapi_v2.document(documents)))
        (made / "schema.json").write_bytes(orjson.dumps(definitions.compact()))
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.exists():
                raise


def _by_group_version(resources: list[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        prefix = "apis" if resource.group else "api"
        found.setdefault(f"{prefix}/{resource.api_version}", []).append(resource)
    return found


class Definitions:
    """Schemas by upstream's name, found by walking the models from the kinds asked for."""

    def __init__(self):
        from kubernetes.client import models

        from . import protobuf

        self._models, self._protobuf = models, protobuf
        self._facts: dict[str, dict] = orjson.loads(files(__package__).joinpath("openapi_facts.json").read_bytes())
        self._field_descriptions: dict[str, str] = orjson.loads(files(__package__).joinpath("openapi_descriptions.json").read_bytes())
        self._enums = dict(_enums())
        self._known = {self._model_name(name): name for name in self._facts}
        self._fields: dict[str, dict[str, dict]] = {}
        self.kinds: dict[str, str] = {}
        self._descriptions: dict[str, str] = {}
        for kind in ("DeleteOptions", "Status", "APIResourceList", "WatchEvent"):
            self.kind("", "v1", kind)

    def kind(self, group: str, version: str, kind: str) -> str | None:
        """The schema's name of a kind, None when the client has no model for it."""
        key = f"{group}/{version}/{kind}"
        if key not in self.kinds:
            package = f"io.k8s.api.{group.partition('.')[0] or 'core'}.{version}"
            candidates = [f"{package}.{kind}", f"{META}.{kind}", f"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}"]
            known = next((name for name in candidates if name in self._facts), candidates[0])
            if self._model_name(known) is None:
                return None
            self.kinds[key] = known
            self._add(known)
        return self.kinds[key]

    def compact(self) -> dict:
        definitions = {}
        for name, fields in self._fields.items():
            definitions[name] = {key: {k: v for k, v in field.items() if k not in ("description", "enum")} for key, field in fields.items()}
            if own := self._facts.get(name, {}).get(""):
                definitions[name][""] = own
        return {"kinds": self.kinds, "definitions": definitions}

    def schemas(self, roots: Iterable[str]) -> dict[str, dict]:
        return _closure(self._schema, roots)

    def _model_name(self, name: str) -> str | None:
        """Class of the client: V1Pod, or CoreV1Event where groups share a name."""
        *package, version, kind = name.split(".")
        bare = f"{version.capitalize()}{kind}"
        for candidate in (bare, f"{package[-1].capitalize()}{bare}"):
            if hasattr(self._models, candidate):
                return candidate
        return None

    def _name_of(self, model: str, package: str) -> str:
        """Schema name of a class referred to from `package`."""
        beside = f"{package}.{_kind(model)}"
        if beside in self._facts and self._model_name(beside) == model:
            return beside
        return self._known.get(model, f"{package.rpartition('.')[0]}.{_version(model)}.{_kind(model)}")

    def _add(self, name: str) -> None:
        if name in self._fields:
            return
        model = getattr(self._models, self._model_name(name))
        package = name.rpartition(".")[0]
        facts, omit_zero = self._facts.get(name, {}), self._omit_zero(name)
        fields = self._fields[name] = {}
        self._descriptions[name] = _summary(model.__doc__)
        by_key = {info.serialization_alias or attribute: info for attribute, info in model.model_fields.items()}
        types = {key: model.openapi_types[attribute] for attribute, key in model.attribute_map.items()}
        for key, info in sorted(by_key.items()):
            own = dict(facts.get(key, {}))
            expression = self._expression(types[key], package, own.pop("type", ""))
            field = {"type": expression, **own}
            if info.is_required():
                field["required"] = True
            if words := info.description or self._described(key, expression):
                field["description"] = words
            if values := self._enums.get(f"{name}.{key}"):
                field["enum"] = values
                field["description"] += "\n\nPossible enum values:" + "".join(f'\n - `"{value}"`' for value in values)
            if key in omit_zero:
                field["omit_zero"] = True
            fields[key] = field

    def _described(self, key: str, expression: str) -> str:
        """The models have no description for fields that hold an object: ours, else that of the object's type."""
        return self._field_descriptions.get(key) or self._descriptions.get(expression.lstrip("#"), "")

    def _expression(self, declared: str, package: str, scalar: str) -> str:
        if declared.startswith("List["):
            return "[]" + self._expression(declared[5:-1], package, scalar)
        if declared.startswith("Dict["):
            return "{}" + self._expression(declared.partition(", ")[2][:-1], package, scalar)
        if declared in SCALARS:
            return scalar or SCALARS[declared]
        name = self._name_of(declared, package)
        self._add(name)
        return f"#{name}"

    def _omit_zero(self, name: str) -> set[str]:
        """Scalars Go leaves out when zero, as far as the protobuf facts tell (no pointer, omitempty)."""
        *_, group, version, kind = name.split(".")
        message = f"{group}/{version}.{kind}"
        return set(self._zero_fields(message)) if message in self._protobuf.messages() else set()

    def _zero_fields(self, message: str) -> Iterator[str]:
        for field in self._protobuf.fields_of(message).values():
            if field.inline:
                yield from self._zero_fields(field.type)
            elif field.type in ("s", "?", "i", "l") and not (field.repeated or field.pointer or field.required):
                yield field.name

    def _schema(self, name: str) -> dict:
        for special, schema in SPECIAL.values():
            if name == special:
                return schema
        fields = self._fields[name]
        schema = {"description": self._descriptions[name], "properties": {key: _property(field) for key, field in fields.items()}}
        if required := [key for key, field in fields.items() if field.get("required")]:
            schema["required"] = required
        schema["type"] = "object"
        gvks = [key.split("/") for key, known in self.kinds.items() if known == name and {"apiVersion", "kind"} <= fields.keys()]
        if gvks:
            schema["x-kubernetes-group-version-kind"] = [{"group": g, "kind": k, "version": v} for g, v, k in gvks]
        return {**schema, **_extensions(self._facts.get(name, {}).get("", {}))}


class CustomDefinitions:
    """Schemas of custom resources, beside those of Kubernetes they refer to (kube-apiextensions `pkg/controller/openapi/builder`)."""

    def __init__(self, resources: list[Resource]):
        self._own = {}
        self.kinds = {f"/v1/{kind}": f"{META}.{kind}" for kind in ("DeleteOptions", "Status", "APIResourceList")}
        self.kinds["autoscaling/v1/Scale"] = "io.k8s.api.autoscaling.v1.Scale"
        for resource in resources:
            package = f"{'.'.join(reversed(resource.group.split('.')))}.{resource.version}"
            for kind, schema in ((resource.kind, _custom_schema(resource)), (resource.list_kind, _list_schema(resource, package))):
                gvk = {"group": resource.group, "kind": kind, "version": resource.version}
                self._own[f"{package}.{kind}"] = {**schema, "x-kubernetes-group-version-kind": [gvk]}
                self.kinds[f"{resource.group}/{resource.version}/{kind}"] = f"{package}.{kind}"

    def kind(self, group: str, version: str, kind: str) -> str | None:
        return self.kinds.get(f"{group}/{version}/{kind}")

    def schemas(self, roots: Iterable[str]) -> dict[str, dict]:
        builtin: dict[str, dict] = {}
        for path in ("apis/coordination.k8s.io/v1", "apis/apps/v1"):
            builtin |= orjson.loads((_folder() / _file_name(path)).read_bytes())["components"]["schemas"]
        return _closure({**builtin, **self._own}.__getitem__, roots)


def _custom_schema(resource: Resource) -> dict:
    """The structural schema with the words for what every object has."""
    properties = {
        "apiVersion": {"description": "The version of the schema this object follows, as group/version.", "type": "string"},
        "kind": {"description": "The name of the resource this object is of.", "type": "string"},
        "metadata": {"description": "Standard object's metadata.", "allOf": [_ref(f"{META}.ObjectMeta")]},
    }
    return {**resource.openapi, "properties": {**resource.openapi.get("properties", {}), **properties}}


def _list_schema(resource: Resource, package: str) -> dict:
    properties = {
        "apiVersion": {"description": "The version of the schema this object follows, as group/version.", "type": "string"},
        "items": {"description": f"List of {resource.plural}.", "type": "array", "items": _ref(f"{package}.{resource.kind}")},
        "kind": {"description": "The name of the resource this object is of.", "type": "string"},
        "metadata": {"description": "Standard list metadata.", "allOf": [_ref(f"{META}.ListMeta")]},
    }
    words = f"{resource.list_kind} is a list of {resource.kind}"
    return {"description": words, "type": "object", "required": ["items"], "properties": properties}


def _closure(schema_of: Callable[[str], dict], roots: Iterable[str]) -> dict[str, dict]:
    """OpenAPI schemas of `roots` and all they refer to."""
    found: dict[str, dict] = {}
    waiting = sorted(set(roots), reverse=True)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schema_of(name)
            waiting += [r for r in _references(found[name]) if r not in found]
    return dict(sorted(found.items()))


def _enums() -> Iterator[tuple[str, list[str]]]:
    """(field by its schema's name, values)."""
    for line in files(__package__).joinpath("openapi_enums.txt").read_text().splitlines():
        if not line.startswith("#"):
            values, _, fields = line.partition(": ")
            for field in fields.split():
                yield f"io.k8s.api.{field}", [value.strip('"') for value in values.split()]


def _version(model: str) -> str:
    return re.search(r"V\d+((alpha|beta)\d+)?", model)[0].lower()


def _kind(model: str) -> str:
    return re.sub(r"^.*?V\d+((alpha|beta)\d+)?", "", model, count=1)


def _summary(doc: str | None) -> str:
    return " ".join((doc or "").partition("Attributes:")[0].split())


def _extensions(facts: dict) -> dict:
    return {EXTENSIONS[key]: value for key, value in facts.items() if key in EXTENSIONS}


def _property(field: dict) -> dict:
    shape = _shape(field["type"])
    if values := field.get("enum"):
        (shape.get("items") or shape)["enum"] = values
    if "$ref" in shape:
        shape = {"allOf": [shape]}
    described = {"description": field["description"]} if "description" in field else {}
    return {**_extensions(field), **described, **shape}


def _shape(expression: str) -> dict:
    if expression.startswith("[]"):
        return {"items": _shape(expression[2:]), "type": "array"}
    if expression.startswith("{}"):
        return {"additionalProperties": _shape(expression[2:]), "type": "object"}
    if expression.startswith("#"):
        return _ref(expression[1:])
    return _ref(SPECIAL[expression][0]) if expression in SPECIAL else dict(PRIMITIVES[expression])


def _ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


# -- paths -----------------------------------------------------------------------------------------------


def _document(path: str, resources: list[Resource], definitions: "Definitions | CustomDefinitions") -> dict:
    paths: dict[str, dict] = {f"/{path}/": {"get": {
        "description": "get available resources", "operationId": _operation_id("get", path, "APIResources"),
        "responses": _responses(definitions.kinds["/v1/APIResourceList"]), "tags": [_tag(path)]}}}
    for resource in resources:
        paths.update(_resource_paths(path, resource, definitions))
    return {
        "components": {
            "schemas": definitions.schemas([*_references(paths), *definitions.kinds.values()] if path == "api/v1" else _references(paths)),
            "securitySchemes": {"BearerToken": {"description": "Bearer Token authentication", "in": "header", "name": "authorization",
                                                "type": "apiKey"}},
        },
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "openapi": "3.0.0",
        "paths": dict(sorted(paths.items())),
    }


def _resource_paths(path: str, resource: Resource, definitions: "Definitions | CustomDefinitions") -> dict[str, dict]:
    gvk = (resource.group, resource.version, resource.kind)
    own, listed = definitions.kind(*gvk), definitions.kind(resource.group, resource.version, resource.list_kind)
    if own is None:
        return {}
    status, options = definitions.kinds["/v1/Status"], definitions.kinds["/v1/DeleteOptions"]
    verbs = resource.verbs
    scope = "Namespaced" if resource.namespaced else ""
    here = "/namespaces/{namespace}" if resource.namespaced else ""
    collection, item = f"/{path}{here}/{resource.plural}", f"/{path}{here}/{resource.plural}/{{name}}"

    def operation(verb: str, action: str, words: str, query: tuple[str, ...] = (), body: Any = None, answer: str | None = None,
                  kind: tuple[str, str, str] = gvk, suffix: str = "", name_scope: str = scope) -> dict:
        group, version, kind_name = kind
        return {
            "description": words, "operationId": _operation_id(verb, path, f"{name_scope}{resource.kind}{suffix}"),
            **({"parameters": [_parameter(p, "query", resource.kind) for p in query]} if query else {}),
            **({"requestBody": {"content": body, "required": True}} if body else {}),
            "responses": _responses(own if answer is None else answer, created=action in ("post", "put", "patch")), "tags": [_tag(path)],
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": {"group": group, "kind": kind_name, "version": version},
        }

    lists = operation("list", "list", f"list or watch objects of kind {resource.kind}", LIST, answer=listed)
    on_collection = {
        "get": "list" in verbs and lists,
        "post": "create" in verbs and operation("create", "post", f"create a {resource.kind}", WRITE, _body(own)),
        "delete": "deletecollection" in verbs and operation(
            "delete", "deletecollection", f"delete collection of {resource.kind}",
            (*DELETE, *LIST[1:-1]), _body(options), status,
            name_scope=f"Collection{scope}"),
    }
    on_item = {
        "get": "get" in verbs and operation("read", "get", f"read the specified {resource.kind}"),
        "put": "update" in verbs and operation("replace", "put", f"replace the specified {resource.kind}", WRITE, _body(own)),
        "patch": "patch" in verbs and operation(
            "patch", "patch", f"partially update the specified {resource.kind}", (*WRITE, "force"), _patch_body(resource)),
        "delete": "delete" in verbs and operation(
            "delete", "delete", f"delete a {resource.kind}", DELETE, _body(options), own if resource.returns_deleted else status),
    }
    found = {collection: on_collection, item: on_item}
    if resource.namespaced and "list" in verbs:
        everywhere = operation("list", "list", lists["description"], LIST, answer=listed, suffix="ForAllNamespaces", name_scope="")
        found[f"/{path}/{resource.plural}"] = {"get": everywhere}
    for name, subresource in resource.subresources.items():
        kind = subresource.group_version_kind or gvk
        schema = definitions.kind(*kind)
        if schema is None:  # PodExecOptions and the like are parameters, not bodies
            connect = {"answer": TEXT, "kind": kind, "suffix": name.capitalize()}
            words = f"connect requests to {name} of {resource.kind}"
            found[f"{item}/{name}"] = {
                method: verb in subresource.verbs
                and operation("connect", "connect", words, name_scope=f"{method.capitalize()}{scope}", **connect)
                for method, verb in (("get", "get"), ("post", "create"))
            }
            continue
        of = f"{name} of the specified {resource.kind}"
        shared = {"answer": TEXT if name == "log" else schema, "kind": kind, "suffix": name.capitalize()}
        has = subresource.verbs
        found[f"{item}/{name}"] = {
            "get": "get" in has and operation("read", "get", f"read {of}", **shared),
            "put": "update" in has and operation("replace", "put", f"replace {of}", WRITE, _body(schema), **shared),
            "patch": "patch" in has and operation(
                "patch", "patch", f"partially update {of}", (*WRITE, "force"), _patch_body(resource), **shared),
            "post": "create" in has and operation("create", "post", f"create {of}", WRITE, _body(schema), **shared),
        }
    return {route: {**{verb: made for verb, made in operations.items() if made}, "parameters": _path_parameters(route, resource.kind)}
            for route, operations in found.items() if any(operations.values())}


def _path_parameters(route: str, kind: str) -> list[dict]:
    named = [_parameter(name, "path", kind) for name in ("name", "namespace") if f"{{{name}}}" in route]
    return [*named, _parameter("pretty", "query", kind)]


def _parameter(name: str, where: str, kind: str) -> dict:
    type_, description = PARAMETERS[name]
    made = {"description": description.format(kind=kind), "in": where, "name": name, "schema": {"type": type_, "uniqueItems": True}}
    return {**made, "required": True} if where == "path" else made


def _body(name: str) -> dict:
    return {"*/*": {"schema": _ref(name)}}


def _patch_body(resource: Resource) -> dict:
    return {media_type: {"schema": {"type": "object"}} for media_type in PATCH_TYPES if not (resource.custom and "strategic" in media_type)}


def _responses(name: str, created: bool = False) -> dict:
    plain, json = {"text/plain": {"schema": {"type": "string"}}}, {"application/json": {"schema": _ref(name)}}
    ok = {"content": plain if name == TEXT else json}
    codes = {"200": "OK", "201": "Created"} if created else {"200": "OK"}
    return {**{code: {**ok, "description": words} for code, words in codes.items()}, "401": {"description": "Unauthorized"}}


def _tag(path: str) -> str:
    prefix, *rest = path.split("/")
    return "core_v1" if prefix == "api" else f"{rest[0].partition('.')[0]}_{rest[1]}"


def _operation_id(verb: str, path: str, what: str) -> str:
    group, version = _tag(path).split("_")
    return f"{verb}{group.capitalize()}{version.capitalize()}{what}"


if __name__ == "__main__":
    from .resources import RESOURCES

    generate(RESOURCES, _cache() / cache_key(RESOURCES))
