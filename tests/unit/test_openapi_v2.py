"""OpenAPI v2: the same facts in the older form."""
import orjson
import pytest
from kinds import folder

from kubeschool.practice.apiserver import openapi, openapi_v2, resources
from kubeschool.practice.apiserver.customresources import resources_of

REFERENCE = "#/definitions/io.k8s.api.core.v1.PodSpec"


@pytest.fixture(scope="module")
def made():
    return orjson.loads(openapi.Index([]).swagger[0])


def test_every_reference_resolves(made):
    assert not set(openapi._references(made)) - made["definitions"].keys()
    assert b"#/components" not in openapi.Index([]).swagger[0]


def test_every_kind_is_there(made):
    kinds = {tuple(sorted(gvk.items())) for d in made["definitions"].values() for gvk in d.get("x-kubernetes-group-version-kind", ())}
    served = {(("group", r.group), ("kind", r.kind), ("version", r.version)) for r in resources.RESOURCES if r.stored}
    assert served <= kinds


def test_definitions_and_operations(made):
    pod = made["definitions"]["io.k8s.api.core.v1.Pod"]
    assert (pod["properties"]["spec"]["$ref"], pod["x-kubernetes-group-version-kind"][0]["kind"]) == (REFERENCE, "Pod")
    policy = made["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]["restartPolicy"]
    assert policy["enum"] == ["Always", "Never", "OnFailure"]
    create = made["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"]
    assert create["parameters"][0]["schema"]["$ref"] == "#/definitions/io.k8s.api.core.v1.Pod"
    assert create["responses"]["201"]["schema"]["$ref"] == "#/definitions/io.k8s.api.core.v1.Pod"
    assert {"in": "query", "name": "dryRun", "type": "string"}.items() <= create["parameters"][1].items()


def definition(schema: dict) -> dict:
    names = {"plural": "foos", "singular": "foo", "kind": "Foo", "listKind": "FooList"}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions}
    return {"metadata": {"name": "foos.example.com"}, "spec": spec}


def test_custom_resources_lose_what_v2_cannot_say(monkeypatch):
    monkeypatch.setattr(openapi, "_folder", folder)
    spec = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "string", "nullable": True},
            "b": {"type": "integer", "anyOf": [{"minimum": 1}, {"maximum": -1}]},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"x": {"type": "string"}}},
        },
    }
    index = openapi.Index(resources_of(definition({"type": "object", "properties": {"spec": spec}})))
    found = orjson.loads(index.swagger[0])["definitions"]["com.example.v1.Foo"]["properties"]["spec"]
    assert found == {
        "type": "object",
        "required": ["b"],
        "properties": {"a": {}, "b": {"type": "integer"}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    assert b"com.example.v1.Foo" in index.gnostic[0] and index.gnostic[1] != openapi.Index([]).gnostic[1]


def test_the_protobuf_form_is_well_formed():
    schema = {"type": "array", "items": {"type": "string", "x-a": 1}, "description": "d" * 200}
    body = openapi_v2.gnostic({"swagger": "2.0", "info": {"title": "t", "version": "v"}, "definitions": {"n": schema}})
    inside = b"\x0a\x01n\x12" + bytes([0xF2, 0x01]) + b"\x22\xc8\x01" + b"d" * 200
    assert body.startswith(b"\x0a\x032.0\x12\x06\x0a\x01t\x12\x01v\x4a") and inside in body
