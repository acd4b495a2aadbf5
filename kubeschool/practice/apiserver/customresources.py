"""Custom resources: what a CustomResourceDefinition makes the API server serve.

Naming, establishing and finalizing as `apiextensions-apiserver/pkg/controller/{status,establish,finalizer}`, the kind itself as
`pkg/registry/customresource/{strategy,etcd,tableconvertor}`. Versions differ in name and schema only (conversion None).
"""
import copy
import re
from typing import Any

from ..client import Client
from ..clock import Clock, timestamp
from ..component import Controller
from ..component_helpers import with_condition
from . import errors, jsonpath, schema, structural
from .apiregistration import register
from .errors import ApiError, FieldError
from .registry import Registry, Request
from .resource import SCALE, STATUS, Column, Resource
from .tables import translate_timestamp_since
from .validation import NON_NEGATIVE

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


class CustomResource(Resource):
    """One version of a definition."""

    kind = plural = ""
    has_generation = True
    converts = True
    custom = True
    allow_unconditional_update = False

    def __init__(self, definition: dict, version: dict):
        spec, names = definition["spec"], definition["spec"]["names"]
        self.group, self.version = spec["group"], version["name"]
        self.kind, self._list_kind, self.plural, self.singular = names["kind"], names["listKind"], names["plural"], names["singular"]
        self.short_names, self.categories = tuple(names.get("shortNames") or ()), tuple(names.get("categories") or ())
        self.namespaced = spec["scope"] == "Namespaced"
        self.terminating = "deletionTimestamp" in definition["metadata"]
        self.openapi = version["schema"]["openAPIV3Schema"]
        self.schema = structural.type_of(self.openapi, self.kind)
        subresources = version.get("subresources") or {}
        self.subresources = (STATUS if "status" in subresources else {}) | (SCALE if subresources.get("scale") else {})
        self.scale = subresources.get("scale") or {}
        self.selectable = [field["jsonPath"] for field in version.get("selectableFields") or ()]
        warning = version.get("deprecationWarning") or f"{self.api_version} {self.kind} is deprecated"
        self._deprecated = [warning] if version.get("deprecated") else []
        self._storage_api_version = f"{self.group}/{next(v['name'] for v in spec['versions'] if v['storage'])}"
        self.printed = version.get("additionalPrinterColumns") or [
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "When the object was created."}]
        self.columns = (Column("Name", format="name"), *(
            Column(c["name"], c["type"], c.get("priority", 0), c.get("format", ""), c.get("description", "")) for c in self.printed))

    @property
    def list_kind(self) -> str:
        return self._list_kind

    # -- writes

    def default(self, obj: dict) -> None:
        structural.apply_defaults(self.openapi, obj)

    def desired(self, obj: dict) -> dict:
        return {key: value for key, value in obj.items() if key not in ("metadata", "apiVersion", *self.subresources)}

    def prepare_for_create(self, obj: dict) -> None:
        if "status" in self.subresources:
            obj.pop("status", None)

    def prepare_for_status_update(self, obj: dict, old: dict) -> None:
        status, fields = obj.get("status"), obj["metadata"].get("managedFields")
        obj.clear()
        obj |= copy.deepcopy({key: value for key, value in old.items() if key != "status"})
        if status is not None:
            obj["status"] = status
        if fields is not None:
            obj["metadata"]["managedFields"] = fields

    def begin_create(self, registry: Registry, request: Request, obj: dict) -> None:
        if self.terminating:
            raise ApiError(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating",
                           {"group": self.group, "kind": self.plural})

    def validate(self, obj: dict) -> list[FieldError]:
        return structural.validate(self.openapi, obj)

    def validate_update(self, obj: dict, old: dict) -> list[FieldError]:
        return structural.validate(self.openapi, obj, old=old)

    validate_status_update = validate_update

    def read_warnings(self) -> list[str]:
        return self._deprecated

    # -- versions

    def from_storage(self, obj: dict) -> dict:
        """As this version shows it: pruned and defaulted by its schema."""
        shown = schema.decode(self.schema, {**obj, "apiVersion": self.api_version}, self)[0]
        structural.apply_defaults(self.openapi, shown)
        head = {"kind": self.kind, "apiVersion": self.api_version, "metadata": shown["metadata"]}
        return head | {key: value for key, value in shown.items() if key not in head}

    def to_storage(self, obj: dict) -> dict:
        return {**obj, "apiVersion": self._storage_api_version}

    # -- reads

    def fields(self, obj: dict) -> dict[str, str]:
        return {path[1:]: next(map(_text, jsonpath.find(path, obj)), "") for path in self.selectable}

    def row(self, obj: dict) -> list:
        return [obj["metadata"]["name"], *(_cell(column, obj) for column in self.printed)]

    # -- the scale subresource

    def get_scale(self, registry: Registry, request: Request) -> dict:
        obj = registry.get(request)
        replicas = jsonpath.find(self.scale["specReplicasPath"], obj)
        if not replicas:
            text = f'Internal error occurred: the spec replicas field "{self.scale["specReplicasPath"]}" does not exist'
            raise ApiError(422, "InternalError", text)
        selector = jsonpath.find(self.scale["labelSelectorPath"], obj) if self.scale.get("labelSelectorPath") else []
        status = {"replicas": next(iter(jsonpath.find(self.scale["statusReplicasPath"], obj)), 0)}
        kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        return {
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {k: v for k, v in obj["metadata"].items() if k in kept},
            "spec": {"replicas": replicas[0]} if replicas[0] else {}, "status": status | ({"selector": selector[0]} if selector else {}),
        }

    def update_scale(self, registry: Registry, request: Request, body: dict) -> dict:
        replicas = (body.get("spec") or {}).get("replicas") or 0
        if replicas < 0:
            raise errors.invalid("Scale.autoscaling", request.name, [errors.invalid_value("spec.replicas", replicas, NON_NEGATIVE)])
        obj = copy.deepcopy(registry.get(request))
        *above, last = self.scale["specReplicasPath"].strip(".").split(".")
        inside = obj
        for key in above:
            inside = inside.setdefault(key, {})
        inside[last] = replicas
        if version := (body.get("metadata") or {}).get("resourceVersion"):
            obj["metadata"]["resourceVersion"] = version
        registry.update(request, obj)
        return self.get_scale(registry, request)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(column: dict, obj: dict) -> Any:
    """`tableconvertor.go` cellForJSONValue."""
    found = jsonpath.find(column["jsonPath"], obj)
    value = found[0] if found else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match column["type"]:
        case _ if value is None:
            return None
        case "string":
            return jsonpath.shown(value)
        case "integer" if number:
            return int(value)
        case "number" if number:
            return value
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            try:
                return translate_timestamp_since(value)
            except ValueError:
                return "<invalid>"
    return None


def resources_of(definition: dict) -> list[CustomResource]:
    """The served versions, in the order of `version_priority`."""
    served = sorted((v for v in definition["spec"]["versions"] if v["served"]), key=lambda v: version_priority(v["name"]))
    return [CustomResource(definition, version) for version in served]


def version_priority(version: str) -> tuple:
    """Sorts v10, v2, v1, v1beta2, v1alpha1, then the rest by name (apimachinery `pkg/version/helpers.go`)."""
    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (1, version)
    stage = ("", "beta", "alpha").index(match[2] or "")
    return (0, stage, -int(match[1]), -int(match[3] or 0))


class CustomResourceDefinitions(Controller):
    """Accepts names, serves and withdraws kinds, and deletes the objects of a definition that goes. Part of the API server."""

    name = "customresourcedefinitions"

    def __init__(self, client: Client, clock: Clock, registry: Registry):
        super().__init__(client, clock)
        self._registry = registry

    async def start(self) -> None:
        """Serves what was established before, then follows the changes."""
        for definition in self.client.list(DEFINITIONS):
            if _is_true(definition, "Established"):
                self._serve(definition)
        register(self.client, self._registry.served)
        await super().start()

    def setup(self) -> None:
        self.definitions = self.informers[DEFINITIONS]
        self.definitions.on_change(self._on_definition)

    def _on_definition(self, old: dict | None, new: dict | None) -> None:
        self.queue.add((new or old)["metadata"]["name"])
        if new is None:  # its names are free for others
            for other in self.definitions.list():
                self.queue.add(other["metadata"]["name"])

    async def reconcile(self, name: str) -> None:
        definition = self.definitions.get("", name)
        if definition is None:
            return self._withdraw(name)
        changed = copy.deepcopy(definition)
        status = changed["status"]
        conditions = status.get("conditions") or []
        accepted, conflict = self._names(definition)
        status["acceptedNames"] = accepted
        conditions = with_condition(conditions, _condition("NamesAccepted", *(
            ("False", *conflict) if conflict else ("True", "NoConflicts", "no conflicts found"))))
        if not conflict:
            established = ("True", "InitialNamesAccepted", "the initial names have been accepted")
        elif _is_true(definition, "Established"):
            established = None
        else:
            established = ("False", "NotAccepted", "not all names are accepted")
        if established:
            conditions = with_condition(conditions, _condition("Established", *established))
        status["conditions"] = conditions
        if _is_true(changed, "Established"):
            self._serve(changed)
        if status != definition["status"]:
            self.client.update(DEFINITIONS, changed, "status")
        elif "deletionTimestamp" in definition["metadata"]:
            self._finalize(definition)

    def _serve(self, definition: dict) -> None:
        name = definition["metadata"]["name"]
        known = self._registry.resources.get(name)
        if isinstance(known, CustomResource) or known is None:
            names = {**definition["spec"]["names"], **definition["status"]["acceptedNames"]}
            self._registry.serve(name, resources_of({**definition, "spec": {**definition["spec"], "names": names}}))
            register(self.client, self._registry.served)

    def _withdraw(self, name: str) -> None:
        if isinstance(self._registry.resources.get(name), CustomResource):
            self._registry.serve(name, [])
            register(self.client, self._registry.served)

    def _names(self, definition: dict) -> tuple[dict, tuple[str, str] | None]:
        """(acceptedNames, the (reason, message) of a conflict): who came first keeps a name (`naming_controller.go`)."""
        wanted, accepted = definition["spec"]["names"], dict(definition["status"].get("acceptedNames") or {})
        others = [other["status"]["acceptedNames"] for other in self.definitions.list()
                  if other["spec"]["group"] == definition["spec"]["group"] and other["metadata"]["name"] != definition["metadata"]["name"]]
        resources = {n for names in others for n in (names.get("plural"), names.get("singular"), *(names.get("shortNames") or ())) if n}
        kinds = {n for names in others for n in (names.get("kind"), names.get("listKind")) if n}
        conflict = None
        for field, taken, reason in (("plural", resources, "PluralConflict"), ("singular", resources, "SingularConflict"),
                                     ("shortNames", resources, "ShortNamesConflict"), ("kind", kinds, "KindConflict"),
                                     ("listKind", kinds, "ListKindConflict")):
            values = wanted.get(field) or ([] if field == "shortNames" else "")
            if clash := [v for v in ([values] if isinstance(values, str) else values) if v in taken]:
                conflict = (reason, ", ".join(f'"{v}" is already in use' for v in clash))
            elif values:
                accepted[field] = values
            else:
                accepted.pop(field, None)
        if wanted.get("categories"):
            accepted["categories"] = wanted["categories"]
        else:
            accepted.pop("categories", None)
        return accepted, conflict

    def _finalize(self, definition: dict) -> None:
        name = definition["metadata"]["name"]
        if CLEANUP not in definition["metadata"].get("finalizers", ()):
            return
        changed, left = copy.deepcopy(definition), 0
        if self._registry.resources.get(name):
            for obj in self.client.list(name):
                if "deletionTimestamp" not in obj["metadata"]:
                    self.client.delete(name, obj["metadata"].get("namespace"), obj["metadata"]["name"])
            left = len(self.client.list(name))
        elif left := len(self._registry.store.list(name)):
            self._registry.serve(name, resources_of(definition))
        state = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress") if left else (
            "False", "InstanceDeletionCompleted", "removed all instances")
        changed["status"]["conditions"] = with_condition(changed["status"]["conditions"], _condition("Terminating", *state))
        if changed["status"] != definition["status"]:
            changed = copy.deepcopy(self.client.update(DEFINITIONS, changed, "status"))
        if left:
            return self.queue.add_after(name, 1)
        changed["metadata"]["finalizers"] = [f for f in changed["metadata"]["finalizers"] if f != CLEANUP]
        self.client.update(DEFINITIONS, changed)


def pending_deletion(conditions: list[dict]) -> list[dict]:
    """The conditions of a definition whose deletion was just asked for (`registry/customresourcedefinition/etcd.go` Delete)."""
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    return with_condition(conditions, _condition("Terminating", "True", "InstanceDeletionPending", message))


def _condition(type_: str, status: str, reason: str, message: str) -> dict:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": timestamp()}


def _is_true(definition: dict, type_: str) -> bool:
    return any(c["type"] == type_ and c["status"] == "True" for c in definition["status"].get("conditions") or ())
