"""CustomResourceDefinitions: the kinds they make are served, checked, pruned, defaulted, printed and deleted as Kubernetes does."""

import asyncio
import copy

import orjson
import pytest
from api import ADMIN, Api

from kubeschool.practice.apiserver import jsonpath, openapi, structural
from kubeschool.practice.apiserver.customresources import DEFINITIONS, CustomResourceDefinitions, version_priority
from kubeschool.practice.apiserver.discovery import Discovery
from kubeschool.practice.client import Client
from kubeschool.practice.clock import Clock
from kubeschool.practice.controllers.garbagecollector import GarbageCollector
from kubeschool.practice.controllers.namespace import NamespaceController
from kubeschool.practice.controllers.resourcequota import ResourceQuotaController

CRONTABS = "crontabs.stable.example.com"
STRING, INTEGER = {"type": "string"}, {"type": "integer"}
SPEC = {
    "type": "object",
    "required": ["cronSpec"],
    "properties": {
        "cronSpec": {**STRING, "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "image": {**STRING, "default": "busybox", "maxLength": 20, "minLength": 2},
        "replicas": {**INTEGER, "minimum": 1, "maximum": 10, "default": 1},
        "policy": {**STRING, "enum": ["Allow", "Forbid"]},
        "at": {**STRING, "format": "date-time"},
        "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5},
        "port": {"x-kubernetes-int-or-string": True},
        "labels": {"type": "object", "additionalProperties": STRING, "maxProperties": 2},
        "tags": {"type": "array", "items": STRING, "x-kubernetes-list-type": "set", "maxItems": 3, "minItems": 1},
        "ports": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {
                "name": STRING, "port": INTEGER, "protocol": {**STRING, "default": "TCP"}}},
        },
        "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "maybe": {**STRING, "nullable": True},
        "one": {"type": "object", "properties": {"a": STRING, "b": STRING}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "any": {"type": "object", "properties": {"a": STRING, "b": STRING}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "none": {"type": "object", "properties": {"a": STRING}, "not": {"required": ["a"]}},
        "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
    },
}
STATUS = {"type": "object", "properties": {"replicas": INTEGER, "labelSelector": STRING, "ready": {"type": "boolean"}}}
VERSION = {
    "name": "v1", "served": True, "storage": True,
    "schema": {"openAPIV3Schema": {
        "type": "object", "description": "A schedule.", "required": ["spec"], "properties": {"spec": SPEC, "status": STATUS}}},
    "subresources": {"status": {}, "scale": {
        "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.labelSelector"}},
    "additionalPrinterColumns": [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec", "description": "When"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Ports", "type": "string", "priority": 1, "jsonPath": ".spec.ports[*].port"},
    ],
    "selectableFields": [{"jsonPath": ".spec.image"}],
}
NAMES = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]}


def definition(*versions: dict, name: str = CRONTABS, scope: str = "Namespaced", **names) -> dict:
    return {"metadata": {"name": name}, "spec": {
        "group": "stable.example.com", "scope": scope, "names": {**NAMES, **names}, "versions": list(versions or [VERSION])}}


def crontab(name: str = "a", **spec) -> dict:
    return {"metadata": {"name": name}, "spec": {"cronSpec": "* * * * */5", **spec}}


class Server(Api):
    """An API server whose definitions are followed; kinds are found among what is served now."""

    async def start(self) -> "Server":
        self.admin = Client(self.registry, ADMIN, "test")
        self.definitions = CustomResourceDefinitions(self.admin, Clock(100), self.registry)
        await self.definitions.start()
        self.components = [self.definitions]
        return self

    async def run(self, kind) -> None:
        self.components.append(kind(self.admin, Clock(100)))
        await self.components[-1].start()

    async def stop(self) -> None:
        for component in reversed(self.components):
            await component.stop()

    def resource(self, name: str, version: str = ""):
        return next(r for r in self.registry.served if r.name == name and version in ("", r.version))

    async def define(self, crd: dict | None = None) -> dict:
        made = self.create(DEFINITIONS, crd or definition())
        await until(lambda: self.get(DEFINITIONS, made["metadata"]["name"])["status"].get("conditions"))
        return self.get(DEFINITIONS, made["metadata"]["name"])

    def has(self, resource: str, name: str, namespace: str = "default") -> bool:
        return self.store.get((resource, namespace, name)) is not None


async def until(true) -> None:
    async with asyncio.timeout(2):
        while not true():
            await asyncio.sleep(0)


@pytest.fixture
async def server():
    server = await Server().start()
    yield server
    await server.stop()


async def test_a_definition_is_served_and_says_so(server):
    crd = await server.define()
    said = [(c["type"], c["status"], c["reason"], c["message"]) for c in crd["status"]["conditions"]]
    assert said == [
        ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    assert crd["status"]["acceptedNames"] == {**NAMES, "listKind": "CronTabList"} and crd["status"]["storedVersions"] == ["v1"]
    made = server.create(CRONTABS, crontab(ports=[{"name": "web", "port": 80}]))
    assert made["apiVersion"] == "stable.example.com/v1" and made["metadata"]["generation"] == 1
    assert made["spec"] == {
        "cronSpec": "* * * * */5", "image": "busybox", "replicas": 1, "ports": [{"name": "web", "port": 80, "protocol": "TCP"}]}


async def test_discovery_and_openapi_know_the_kind(server):
    await server.define()
    listed = Discovery(server.registry.served).resource_list("stable.example.com", "v1")
    assert [r["name"] for r in listed["resources"]] == ["crontabs", "crontabs/scale", "crontabs/status"]
    assert (listed["resources"][0]["shortNames"], listed["resources"][0]["categories"]) == (["ct"], ["all"])
    group = next(g for g in orjson.loads(Discovery(server.registry.served).aggregated(core=False)[0])["items"]
                 if g["metadata"]["name"] == "stable.example.com")
    assert group["versions"][0]["resources"][0]["responseKind"]["kind"] == "CronTab"
    index = openapi.Index([r for r in server.registry.served if r.custom])
    assert b"apis/stable.example.com/v1" in index.index()[0]
    document = orjson.loads(index.document("apis/stable.example.com/v1")[0])
    shown = document["components"]["schemas"]["com.example.stable.v1.CronTab"]
    assert shown["properties"]["spec"]["required"] == ["cronSpec"] and shown["description"] == "A schedule."
    assert shown["x-kubernetes-group-version-kind"] == [{"group": "stable.example.com", "kind": "CronTab", "version": "v1"}]
    patch = document["paths"]["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" in document["components"]["schemas"]


BAD = [  # the messages of a real API server, with list indexes as newer ones write them
    ({"cronSpec": "nonsense"}, r"spec.cronSpec: Invalid value: \"nonsense\": spec.cronSpec in body should match "
                               r"'^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'"),
    ({"image": "a"}, 'spec.image: Invalid value: "a": spec.image in body should be at least 2 chars long'),
    ({"image": "a" * 21}, "spec.image: Too long: may not be more than 20 bytes"),
    ({"replicas": 0}, "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1"),
    ({"replicas": 11}, "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10"),
    ({"replicas": "x"}, 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'),
    ({"policy": "Maybe"}, 'spec.policy: Unsupported value: "Maybe": supported values: "Allow", "Forbid"'),
    ({"at": "yesterday"}, 'spec.at: Invalid value: "yesterday": spec.at in body must be of type date-time: "yesterday"'),
    ({"ratio": 0.3}, "spec.ratio: Invalid value: 0.3: spec.ratio in body should be a multiple of 0.5"),
    ({"ratio": 0}, "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0"),
    ({"port": True}, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'),
    ({"labels": {"a": "1", "b": "2", "c": "3"}}, "spec.labels: Too many: 3: must have at most 2 items"),
    ({"tags": ["a", "b", "c", "d"]}, "spec.tags: Too many: 4: must have at most 3 items"),
    ({"tags": []}, "spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items"),
    ({"tags": ["a", "a"]}, 'spec.tags[1]: Duplicate value: "a"'),
    ({"ports": [{"port": 1}]}, "spec.ports[0].name: Required value"),
    ({"ports": [{"name": "a"}, {"name": "a"}]}, 'spec.ports[1]: Duplicate value: {"name":"a"}'),
    ({"image": 5}, 'spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer"'),
    ({"policy": None}, 'spec.policy: Invalid value: "null": spec.policy in body must be of type string: "null"'),
    ({"one": {}}, '[<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid, '
                  "spec.one.a: Required value]"),
    ({"one": {"a": "x", "b": "y"}},
     '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives'),
    ({"any": {}}, '[<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf), spec.any.a: Required value]'),
    ({"none": {"a": "x"}}, '<nil>: Invalid value: "": "spec.none" must not validate the schema (not)'),
    ({"pod": {}}, "[spec.pod.apiVersion: Required value: must not be empty, spec.pod.kind: Required value: must not be empty]"),
]


@pytest.mark.parametrize(("spec", "message"), BAD, ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_what_the_schema_forbids(spec, message):
    found = [str(e) for e in structural.validate(SPEC, {"cronSpec": "* * * * *", **spec}, "spec")]
    text = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    assert text == message.replace(r"\"", '"').replace(r"\\", "\\")


@pytest.mark.parametrize(("spec", "where"), [("a", "spec"), ({"raw": "a"}, "spec.raw"), ({"ports": {"name": "a"}}, "spec.ports")])
async def test_a_value_of_another_type_than_the_schema_says_is_refused(server, spec, where):
    await server.define()
    obj = crontab()
    obj["spec"] = spec if isinstance(spec, str) else obj["spec"] | spec
    assert f"{where} in body must be of type" in server.refused(server.create, CRONTABS, obj)
    made = server.create(CRONTABS, crontab())
    assert f"{where} in body must be of type" in server.refused(server.update, CRONTABS, {**made, "spec": obj["spec"]})


async def test_unknown_fields_are_told_and_pruned(server):
    await server.define()
    obj = crontab(unknown=1, raw={"x": {"y": 1}}, maybe=None, image=None, pod={
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "foo": 1}, "spec": {"a": 1}})
    assert server.refused(server.create, CRONTABS, obj) == (
        'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: '
        'unknown field "spec.unknown", unknown field "spec.pod.metadata.foo"')
    del obj["spec"]["unknown"], obj["spec"]["pod"]["metadata"]["foo"]
    made = server.create(CRONTABS, obj)["spec"]
    assert (made["raw"], made["maybe"], made["image"], made["pod"]["spec"]) == ({"x": {"y": 1}}, None, "busybox", {"a": 1})
    assert server.refused(server.create, CRONTABS, {"metadata": {"name": "b"}}) == (
        'CronTab.stable.example.com "b" is invalid: spec: Required value')


async def test_status_and_generation(server):
    await server.define()
    made = server.create(CRONTABS, {**crontab(), "status": {"replicas": 4}})
    assert "status" not in made
    changed = server.patch(CRONTABS, "a", {"spec": {"replicas": 5}, "status": {"replicas": 3}}, "status")
    assert (changed["spec"]["replicas"], changed["status"], changed["metadata"]["generation"]) == (1, {"replicas": 3}, 1)
    changed = server.patch(CRONTABS, "a", {"spec": {"replicas": 5}, "status": {"replicas": 9}})
    assert (changed["spec"]["replicas"], changed["status"], changed["metadata"]["generation"]) == (5, {"replicas": 3}, 2)
    assert server.patch(CRONTABS, "a", {"metadata": {"labels": {"x": "y"}}})["metadata"]["generation"] == 2


async def test_scale(server):
    await server.define()
    server.create(CRONTABS, crontab(replicas=2))
    server.patch(CRONTABS, "a", {"status": {"replicas": 2, "labelSelector": "app=a"}}, "status")
    scaled = server.patch(CRONTABS, "a", {"spec": {"replicas": 3}}, "scale")
    assert (scaled["kind"], scaled["spec"], scaled["status"]) == ("Scale", {"replicas": 3}, {"replicas": 2, "selector": "app=a"})
    assert server.get(CRONTABS, "a")["spec"]["replicas"] == 3
    assert "should be less than or equal to 10" in server.refused(server.patch, CRONTABS, "a", {"spec": {"replicas": 30}}, "scale")


async def test_columns_and_field_selectors(server):
    await server.define()
    server.create(CRONTABS, crontab(ports=[{"name": "a", "port": 1}, {"name": "b"}]))
    assert server.row(CRONTABS, "a") == {"Name": "a", "Spec": "* * * * */5", "Replicas": 1, "Ports": "1"}
    assert [c.priority for c in server.resource(CRONTABS).columns] == [0, 0, 0, 1]
    request = server.request("list", CRONTABS, {"metadata": {}})
    assert [len(server.registry.list(request, fields=f"spec.image={image}")) for image in ("busybox", "other")] == [1, 0]


async def test_server_side_apply(server):
    await server.define()
    ours = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", **crontab(ports=[{"name": "a", "port": 1}])}
    server.admin.patch(CRONTABS, "default", "a", ours, "apply")
    theirs = copy.deepcopy(ours)
    theirs["spec"]["ports"] = [{"name": "b", "port": 2}]
    request = server.request("apply", CRONTABS, theirs)
    request.manager = "other"
    merged = server.registry.patch(request, theirs, "apply")
    assert [p["name"] for p in merged["spec"]["ports"]] == ["a", "b"]
    theirs["spec"]["cronSpec"] = "1 * * * *"
    assert server.refused(server.registry.patch, request, theirs, "apply") == (
        'Apply failed with 1 conflict: conflict with "test": .spec.cronSpec')


async def test_versions_share_their_objects(server):
    beta = {"name": "v1beta1", "served": True, "storage": False, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {
            "cronSpec": STRING, "replicas": {**INTEGER, "default": 7}}}}}}, "deprecated": True}
    hidden = {**VERSION, "name": "v2alpha1", "served": False, "storage": False}
    await server.define(definition(beta, VERSION, hidden))
    assert [r.version for r in server.registry.served if r.name == CRONTABS] == ["v1", "v1beta1"]
    server.create(CRONTABS, crontab(tags=["x"]), version="v1")
    seen = server.get(CRONTABS, "a", version="v1beta1")
    assert (seen["apiVersion"], seen["spec"]) == ("stable.example.com/v1beta1", {"cronSpec": "* * * * */5", "replicas": 1})
    assert server.store.get((CRONTABS, "default", "a")).object["apiVersion"] == "stable.example.com/v1"
    assert server.resource(CRONTABS, "v1beta1").read_warnings() == ["stable.example.com/v1beta1 CronTab is deprecated"]


async def test_a_changed_schema_holds_at_once_but_not_for_what_stays(server):
    await server.define()
    server.create(CRONTABS, crontab(image="nginx"))
    crd = copy.deepcopy(server.get(DEFINITIONS, CRONTABS))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    schema["image"]["enum"] = ["busybox"]
    schema["color"] = {"type": "string", "default": "red"}
    server.update(DEFINITIONS, crd)
    await until(lambda: "color" in server.get(CRONTABS, "a")["spec"])
    assert server.patch(CRONTABS, "a", {"spec": {"replicas": 2}})["spec"]["image"] == "nginx"
    assert "Unsupported value" in server.refused(server.patch, CRONTABS, "a", {"spec": {"image": "httpd"}})


async def test_a_name_that_is_taken(server):
    await server.define()
    other = await server.define(definition(name="others.stable.example.com", plural="others", singular="other", kind="CronTab",
                                           listKind="OtherList"))
    conditions = {c["type"]: (c["status"], c["reason"], c["message"]) for c in other["status"]["conditions"]}
    assert conditions["NamesAccepted"] == ("False", "KindConflict", '"CronTab" is already in use')
    assert conditions["Established"] == ("False", "NotAccepted", "not all names are accepted")
    assert "others.stable.example.com" not in server.registry.resources
    server.delete(DEFINITIONS, CRONTABS)
    await until(lambda: "others.stable.example.com" in server.registry.resources)


async def test_a_definition_takes_its_objects_along(server):
    await server.define()
    server.create(CRONTABS, crontab())
    held = crontab("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    server.create(CRONTABS, held)
    gone = server.delete(DEFINITIONS, CRONTABS)
    assert gone["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert gone["status"]["conditions"][-1]["reason"] == "InstanceDeletionPending"
    await until(lambda: not server.has(CRONTABS, "a"))
    await until(lambda: server.get(DEFINITIONS, CRONTABS)["status"]["conditions"][-1]["reason"] == "InstanceDeletionInProgress")
    assert server.refused(server.create, CRONTABS, crontab("late")) == (
        "create not allowed while custom resource definition is terminating")
    server.patch(CRONTABS, "held", {"metadata": {"finalizers": None}})
    await until(lambda: not server.has(DEFINITIONS, CRONTABS, ""))
    await until(lambda: CRONTABS not in server.registry.resources)


async def test_served_again_after_a_restart(server):
    await server.define()
    server.create(CRONTABS, crontab())
    again = Server.__new__(Server)
    again.store, again.registry = server.store, type(server.registry)(
        server.store, [r for r in server.registry.served if not r.custom], lambda *_: None, None, None)
    assert CRONTABS not in again.registry.resources
    await again.start()
    await asyncio.sleep(0)
    assert again.get(CRONTABS, "a")["spec"]["cronSpec"] == "* * * * */5"
    await again.stop()


async def test_the_garbage_collector_and_namespaces_know_the_kind(server):
    for kind in (GarbageCollector, NamespaceController):
        await server.run(kind)
    await server.define()
    owner = server.create(CRONTABS, crontab())
    reference = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "name": "a", "uid": owner["metadata"]["uid"]}
    server.create("configmaps", {"metadata": {"name": "kept", "ownerReferences": [reference]}})
    server.create("configmaps", {"metadata": {"name": "lost", "ownerReferences": [{**reference, "uid": "other"}]}})
    await until(lambda: not server.has("configmaps", "lost"))
    assert server.has("configmaps", "kept")
    server.delete(CRONTABS, "a")
    await until(lambda: not server.has("configmaps", "kept"))
    server.create("namespaces", {"metadata": {"name": "team"}})
    server.create(CRONTABS, {**crontab(), "metadata": {"name": "b", "namespace": "team"}})
    server.delete("namespaces", "team")
    await until(lambda: not server.has("namespaces", "team", ""))
    assert not server.has(CRONTABS, "b", "team")


async def test_quotas_count_the_kind(server):
    server.create("resourcequotas", {"metadata": {"name": "few"}, "spec": {"hard": {f"count/{CRONTABS}": "1"}}})
    await server.run(ResourceQuotaController)
    await server.define()
    server.create(CRONTABS, crontab())
    await until(lambda: server.get("resourcequotas", "few")["status"].get("used") == {f"count/{CRONTABS}": "1"})
    assert "exceeded quota: few" in server.refused(server.create, CRONTABS, crontab("b"))


def test_order_of_versions():
    versions = ["foo1", "v1beta1", "v2", "v10", "v1alpha1", "v1", "v11beta2", "v12alpha1", "bar"]
    assert sorted(versions, key=version_priority) == ["v10", "v2", "v1", "v11beta2", "v1beta1", "v12alpha1", "v1alpha1", "bar", "foo1"]


@pytest.mark.parametrize(("path", "found"), [
    (".a.b", [1]), (".list[0].n", ["x"]), (".list[-1].n", ["y"]), (".list[*].n", ["x", "y"]), (".list[0:1].n", ["x"]),
    ('.list[?(@.n=="y")].v', [2]), (".list[?(@.v>1)].n", ["y"]), (r".dotted\.key", ["d"]), ("['dotted.key']", ["d"]), (".nope.b", []),
    ("..n", ["x", "y"]), ("{.a.b}", [1]),
])
def test_jsonpath(path, found):
    assert jsonpath.find(path, {"a": {"b": 1}, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}], "dotted.key": "d"}) == found
