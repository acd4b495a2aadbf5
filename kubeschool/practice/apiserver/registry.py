"""The one way in: every read and write of every component and client passes here.

A write goes decode → defaults → admission → strategy → validation → managedFields → store, in upstream's order
(`k8s.io/apiserver/pkg/endpoints/handlers`, `pkg/registry/generic/registry/store.go`). All of it is synchronous: one
event loop is the serialisation point, so a write that read revision N commits as N+1 or not at all.
"""
from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from ..clock import now, timestamp
from ..deep_copy import deep_copy
from ..store import Conflict, Store, Stored, Watch
from . import errors, managedfields, patch, schema, selectors
from .authentication import ServiceAccountTokens
from .authorization import Authorizer
from .names import generate_name
from .resource import DeleteOptions, Resource
from .user import User
from .validation import validate_object_meta, validate_object_meta_update


@dataclass
class Request:
    """One request on its way through the registry; `warnings` collects texts for the client."""

    user: User
    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = ""
    dry_run: bool = False
    force: bool = False
    field_validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


Admit = Callable[[str, Request, str, dict | None, dict | None], None]
"""admit("mutate" | "validate", request, operation CREATE|UPDATE|DELETE, obj, old): changes obj or raises ApiError."""


class Registry:
    """`served` is every version of every kind, in the order of discovery; `resources` the preferred version by name.
    `healthy` says of a component whether it runs (ComponentStatus), `metrics` what the metrics server serves of a resource.
    `observe(request, current, previous)` is told of every write that was stored (audit): no current when the object is gone, no previous
    when it is new."""

    def __init__(
        self,
        store: Store,
        resources: list[Resource],
        admit: Admit,
        authorizer: Authorizer,
        tokens: ServiceAccountTokens,
        observe: Callable[[Request, Stored | None, Stored | None], None] = lambda request, current, previous: None,
    ):
        self.store, self.authorizer, self.tokens = store, authorizer, tokens
        self.served = tuple(resources)
        self.healthy: dict[str, Callable[[], bool]] = {}
        self.metrics: Callable[[Resource], list[dict]] = lambda resource: []
        self._index()
        self._admit, self._observe = admit, observe

    def serve(self, name: str, resources: list[Resource]) -> None:
        """From now on the resource `name` has these versions, the preferred one first; none withdraws it."""
        self.served = (*(r for r in self.served if r.name != name), *resources)
        self._index()

    def resource_at(self, group: str, version: str, plural: str) -> Resource | None:
        return self._paths.get((group, version, plural))

    def _index(self) -> None:
        self.resources = {r.name: r for r in reversed(self.served)}
        self.store.triggers = {r.storage: lambda obj, r=r: r.fields(obj)[r.trigger] for r in self.served if r.trigger}
        self._paths = {(r.group, r.version, r.plural): r for r in self.served}

    # -- reads ---------------------------------------------------------------------------------------------

    def get(self, request: Request) -> dict:
        return self.read(request.resource, self._stored(request))

    def read(self, resource: Resource, stored: Stored) -> dict:
        """A stored object as this resource's version shows it."""
        return resource.from_storage(stored.object) if resource.converts else stored.object

    def list(self, request: Request, labels: str = "", fields: str = "") -> list[Stored]:
        """Stored objects that match, by namespace and name."""
        matches = self.matcher(request.resource, labels, fields)
        stored = self._made(request.resource)
        if stored is None:
            stored = self.store.list(request.resource.storage, request.namespace or None)
        elif request.namespace:
            stored = [s for s in stored if s.key[1] == request.namespace]
        return [s for s in stored if matches(s)] if matches else stored

    def matcher(self, resource: Resource, labels: str, fields: str) -> Callable[[Stored], bool] | None:
        """A predicate for selector strings, None when both are empty. Raises 400 for what cannot be parsed."""
        if not labels and not fields:
            return None
        requirements = selectors.parse_labels(labels)
        terms = selectors.parse_fields(fields, resource.fields({"metadata": {}}).keys())

        def matches(stored: Stored) -> bool:
            if requirements and not selectors.matches(requirements, stored.object["metadata"].get("labels")):
                return False
            if not terms:
                return True
            _, namespace, name = stored.key
            values = {"metadata.name": name, "metadata.namespace": namespace, **resource.fields(stored.object)}
            return all((values.get(key, "") == value) == equal for key, equal, value in terms)

        return matches

    def watch(self, request: Request, fields: str = "", since: int | None = None) -> Watch:
        """Changes among which are all those that match the field selector. Raises Compacted."""
        resource, only = request.resource, None
        if resource.trigger:
            terms = selectors.parse_fields(fields, resource.fields({"metadata": {}}).keys())
            only = next((value for key, equal, value in terms if key == resource.trigger and equal), None)
        return self.store.watch(resource.storage, request.namespace or None, since, only)

    # -- writes --------------------------------------------------------------------------------------------

    def create(self, request: Request, obj: dict) -> dict:
        resource = request.resource
        obj = self._with_type(resource, obj)
        meta = obj["metadata"]
        self._check_namespace(request, meta)
        self._fill_defaults(resource, obj)
        self._track_fields(request, None, obj)  # before admission: what that adds belongs to nobody
        resource.prepare_for_create(obj)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = generate_name(meta["generateName"])
        meta.setdefault("name", "")
        given_version = meta.pop("resourceVersion", None)
        meta.pop("deletionTimestamp", None)
        meta.pop("deletionGracePeriodSeconds", None)
        meta.update(uid=str(uuid.uuid4()), creationTimestamp=timestamp())
        if resource.has_generation:
            meta["generation"] = 1
        request.name = meta.get("name", "")
        self._admit("mutate", request, "CREATE", obj, None)
        resource.begin_create(self, request, obj)
        found = validate_object_meta(resource, obj) + resource.validate(obj)
        if found:
            raise errors.invalid(resource.qualified_kind, request.name, found)
        request.warnings += resource.warnings(obj, None)
        key = self._key(request)
        if self.store.get(key):
            raise errors.already_exists(resource.name, request.name)
        if given_version and request.verb == "create":
            raise errors.unexplained("resourceVersion should not be set on objects to be created")
        self._admit("validate", request, "CREATE", obj, None)
        if request.dry_run:
            return obj
        return self._put(request, key, obj, None)

    def update(self, request: Request, obj: dict) -> dict:
        """Replace the object or, with request.subresource "status", its status."""
        resource = request.resource
        stored = self.store.get(self._key(request))
        if stored is None:
            if resource.allow_create_on_update and not request.subresource:
                return self.create(request, obj)
            raise errors.not_found(resource.name, request.name)
        old = self.read(resource, stored)
        obj = self._with_type(resource, obj)
        meta, old_meta = obj["metadata"], old["metadata"]
        self._check_namespace(request, meta)
        if meta.get("name") != request.name:
            raise errors.bad_request(
                f"the name of the object ({meta.get('name', '')}) does not match the name on the URL ({request.name})"
            )
        wanted = meta.get("resourceVersion")
        if not wanted and not resource.allow_unconditional_update:
            missing = "Invalid value: 0x0: must be specified for an update"
            found = [errors.FieldError("FieldValueInvalid", "metadata.resourceVersion", missing)]
            raise errors.invalid(resource.name, request.name, found)
        if wanted and wanted != old_meta["resourceVersion"]:
            raise errors.conflict(resource.name, request.name)
        if meta.get("uid", old_meta["uid"]) != old_meta["uid"]:
            key = "/".join(part for part in ("/registry", resource.plural, request.namespace, request.name) if part)
            why = (
                f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
                f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old_meta['uid']}"
            )
            raise errors.conflict(resource.name, request.name, why)
        self._keep_system_metadata(meta, old_meta)
        self._fill_defaults(resource, obj)
        via = f"_{request.subresource}" if request.subresource else ""
        getattr(resource, f"prepare_for{via}_update", resource.prepare_for_update)(obj, old)
        if request.subresource == "status":
            self._keep_for_status(meta, old_meta)
        if resource.has_generation and resource.desired(obj) != resource.desired(old):
            meta["generation"] = old_meta.get("generation", 0) + 1
        self._track_fields(request, old, obj)
        self._admit("mutate", request, "UPDATE", obj, old)
        resource.begin_update(self, request, obj, old)
        validate = getattr(resource, f"validate{via}_update", resource.validate_update)
        found = validate_object_meta_update(resource, obj, old) + validate(obj, old)
        if found:
            raise errors.invalid(resource.qualified_kind, request.name, found)
        request.warnings += resource.warnings(obj, old)
        self._admit("validate", request, "UPDATE", obj, old)
        if self._same(obj, old) and meta.get("managedFields") == old_meta.get("managedFields"):
            return old
        if request.dry_run:
            return obj
        gone = "deletionTimestamp" in meta and not meta.get("finalizers") and not meta.get("deletionGracePeriodSeconds")
        if gone and resource.deletable(obj):
            self._remove(request, stored)
            return obj
        return self._put(request, stored.key, obj, stored.revision)

    def patch(self, request: Request, body: dict | list, kind: str) -> dict:
        """`kind`: json, merge, strategic or apply (server-side apply, which may create)."""
        resource, stored = request.resource, self.store.get(self._key(request))
        if kind == "apply":
            live = deep_copy(self.read(resource, stored)) if stored else None
            return self._apply(request, live, body, schema.type_for(resource))
        if stored is None:
            raise errors.not_found(resource.name, request.name)
        if show := resource.handler("get", request.subresource):
            described = schema.resource_of_kind(*resource.subresources[request.subresource].group_version_kind)
            patched = self._patched(request, show(self, request), body, kind, described)
            return resource.handler("update", request.subresource)(self, request, patched)
        return self.update(request, self._patched(request, deep_copy(self.read(resource, stored)), body, kind, resource))

    def delete(self, request: Request, options: DeleteOptions) -> tuple[dict, bool]:
        """(the object as it is now, whether it is gone). Graceful, finalizers, propagation as upstream's BeforeDelete."""
        stored = self._stored(request)
        resource, obj = request.resource, deep_copy(self.read(request.resource, stored))
        meta = obj["metadata"]
        self._check_preconditions(request, meta, options)
        self._admit("validate", request, "DELETE", None, stored.object)
        if options.dry_run or request.dry_run:
            return obj, True
        grace = resource.grace_period(obj, options)
        finalizers = self._deletion_finalizers(resource, meta, options)
        if not grace and not finalizers and resource.deletable(obj):
            return self._remove(request, stored), True
        remaining = meta.get("deletionGracePeriodSeconds")
        shortened = remaining is not None and grace < remaining
        if "deletionTimestamp" in meta and not shortened and finalizers == meta.get("finalizers", []):
            return obj, False
        meta["finalizers"] = finalizers
        if not finalizers:
            del meta["finalizers"]
        if "deletionTimestamp" not in meta or shortened:
            meta["deletionTimestamp"] = timestamp(now() + timedelta(seconds=grace))
            meta["deletionGracePeriodSeconds"] = grace
            if resource.has_generation and "generation" in meta:
                meta["generation"] += 1
        resource.prepare_for_delete(obj)
        return self._put(request, stored.key, obj, stored.revision), False

    # -- inside --------------------------------------------------------------------------------------------

    def _apply(self, request: Request, live: dict | None, applied: dict, type_) -> dict:
        version, expected = applied.get("apiVersion", ""), request.resource.api_version
        if version != expected:
            text = f"Incorrect version specified in apply patch. Specified patch version: {version}, expected: {expected}"
            raise errors.bad_request(text)
        managedfields.check_applied(type_, applied, request.resource)
        applied, warnings = schema.decode(type_, applied, request.resource, request.field_validation)
        request.warnings += warnings
        if applied.get("metadata", {}).get("managedFields"):
            raise errors.bad_request("metadata.managedFields must be nil")
        applied.setdefault("metadata", {}).setdefault("name", request.name)
        merged = managedfields.apply(
            live,
            applied,
            type_,
            manager=request.manager,
            force=request.force,
            api_version=request.resource.api_version,
            subresource=request.subresource,
            now=timestamp(),
        )
        return self.update(request, merged) if live else self.create(request, merged)

    def _patched(self, request: Request, old: dict, body: dict | list, kind: str, described) -> dict:
        type_ = schema.type_for(described)
        if kind == "strategic":
            patched, shown = patch.strategic_merge(old, body, type_), patch.go_format(body)
        else:
            patched = patch.json_patch(old, body) if kind == "json" else patch.merge_patch(old, body)
            shown = orjson.dumps(patched).decode()
        patched, warnings = patch.decode_patched(type_, patched, shown, described, request.field_validation)
        request.warnings += warnings
        return patched

    def _made(self, resource: Resource) -> list[Stored] | None:
        """Objects of a kind that is made when asked for, None for the others."""
        made = resource.made(self)
        return made if made is None else [
            Stored((resource.name, o["metadata"].get("namespace", ""), o["metadata"]["name"]), self.store.revision, orjson.dumps(o), o)
            for o in made
        ]

    def _stored(self, request: Request) -> Stored:
        made = self._made(request.resource)
        key = self._key(request)
        stored = self.store.get(key) if made is None else next((s for s in made if s.key == key), None)
        if stored is None:
            raise errors.not_found(request.resource.name, request.name)
        return stored

    def _key(self, request: Request) -> tuple[str, str, str]:
        return request.resource.storage, request.namespace if request.resource.namespaced else "", request.name

    def _with_type(self, resource: Resource, obj: dict) -> dict:
        """A copy with kind and apiVersion first, so that a list can cut them off the stored bytes."""
        rest = deep_copy({k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")})
        metadata = deep_copy(obj.get("metadata") or {})
        return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **rest}

    def _fill_defaults(self, resource: Resource, obj: dict) -> None:
        schema.apply_defaults(schema.type_for(resource), obj)
        resource.default(obj)

    def _check_namespace(self, request: Request, meta: dict) -> None:
        if not request.resource.namespaced:
            meta.pop("namespace", None)
        elif meta.setdefault("namespace", request.namespace) != request.namespace:
            if request.verb == "patch":
                where = f"the namespace on the request ({request.namespace})"
                raise errors.bad_request(f"the namespace of the object ({meta['namespace']}) does not match {where}")
            raise errors.bad_request("the namespace of the provided object does not match the namespace sent on the request")

    def _keep_system_metadata(self, meta: dict, old: dict) -> None:
        for name in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"):
            if name in old:
                meta[name] = old[name]
            else:
                meta.pop(name, None)
        if "managedFields" not in meta and "managedFields" in old:
            meta["managedFields"] = old["managedFields"]

    def _keep_for_status(self, meta: dict, old: dict) -> None:
        for name in ("finalizers", "ownerReferences"):
            if name in old:
                meta[name] = old[name]
            else:
                meta.pop(name, None)

    def _same(self, obj: dict, old: dict) -> bool:
        strip = ("resourceVersion", "managedFields")
        return {k: v for k, v in obj["metadata"].items() if k not in strip} == {
            k: v for k, v in old["metadata"].items() if k not in strip
        } and all(obj.get(k) == old.get(k) for k in {*obj, *old} - {"metadata"})

    def _track_fields(self, request: Request, old: dict | None, obj: dict) -> None:
        if request.verb == "apply":
            return
        fields = managedfields.update(
            old,
            obj,
            schema.type_for(request.resource),
            manager=request.manager,
            api_version=request.resource.api_version,
            subresource=request.subresource,
            now=timestamp(),
        )
        if fields:
            obj["metadata"]["managedFields"] = fields
        else:
            obj["metadata"].pop("managedFields", None)

    def _check_preconditions(self, request: Request, meta: dict, options: DeleteOptions) -> None:
        for what, wanted, seen, perhaps in (
            ("UID", options.uid, meta["uid"], "deleted and then recreated"),
            ("ResourceVersion", options.resource_version, meta["resourceVersion"], "modified"),
        ):
            if wanted and wanted != seen:
                why = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({seen}). "
                raise errors.conflict(request.resource.qualified_kind, request.name, f"{why}The object might have been {perhaps}")

    def _deletion_finalizers(self, resource: Resource, meta: dict, options: DeleteOptions) -> list[str]:
        propagation = options.propagation or resource.default_propagation
        finalizers = [f for f in meta.get("finalizers", ()) if f not in ("orphan", "foregroundDeletion") or not options.propagation]
        if "deletionTimestamp" not in meta:
            finalizers += [f for f in resource.deletion_finalizers if f not in finalizers]
        added = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}.get(propagation)
        return [*finalizers, added] if added and added not in finalizers else finalizers

    def _put(self, request: Request, key: tuple[str, str, str], obj: dict, expected: int | None) -> dict:
        resource, previous = request.resource, self.store.get(key)
        try:
            stored = self.store.put(key, resource.to_storage(obj) if resource.converts else obj, expected)
        except Conflict:
            raise errors.conflict(request.resource.name, request.name) from None
        self._observe(request, stored, previous)
        return self.read(resource, stored)

    def _remove(self, request: Request, stored: Stored) -> dict:
        gone = self.store.delete(stored.key, stored.revision)
        self._observe(request, None, stored)
        return self.read(request.resource, gone)
