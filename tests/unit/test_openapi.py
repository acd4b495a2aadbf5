"""The OpenAPI documents hold what kubectl looks for (query_param_verifier_v3.go, apply, explain)."""
import subprocess
import sys

import orjson
import pytest
from kinds import KINDS, folder

from kubeschool.practice.apiserver import openapi


@pytest.fixture(scope="module")
def apps():
    return orjson.loads((folder() / "apis__apps__v1.json").read_bytes())


@pytest.fixture(scope="module")
def core():
    return orjson.loads((folder() / "api__v1.json").read_bytes())


def test_patch_announces_field_validation_and_patch_types(apps):
    operation = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert operation["x-kubernetes-group-version-kind"] == {"group": "apps", "kind": "Deployment", "version": "v1"}
    assert "fieldValidation" in [p["name"] for p in operation["parameters"]]
    assert "application/strategic-merge-patch+json" in operation["requestBody"]["content"]


def test_paths_and_verbs_of_the_resources(apps, core):
    deployments = "/apis/apps/v1/namespaces/{namespace}/deployments"
    assert {"get", "post", "delete"} < apps["paths"][deployments].keys()
    assert {"get", "put", "patch", "delete"} < apps["paths"][f"{deployments}/{{name}}"].keys()
    assert "get" in apps["paths"]["/apis/apps/v1/deployments"]
    scale = apps["paths"][f"{deployments}/{{name}}/scale"]["get"]
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "kind": "Scale", "version": "v1"}
    eviction = core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]["post"]
    assert eviction["x-kubernetes-group-version-kind"]["kind"] == "Eviction"
    assert "/api/v1/namespaces/{name}" in core["paths"] and "/api/v1/pods" in core["paths"]
    identifiers = [o["operationId"] for operations in core["paths"].values() for o in operations.values() if isinstance(o, dict)]
    assert len(identifiers) == len(set(identifiers)) and "deleteCoreV1CollectionNamespacedPod" in identifiers


def test_schemas_are_named_described_and_complete(core):
    schemas = core["components"]["schemas"]
    assert schemas["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"] == [{"group": "", "kind": "Pod", "version": "v1"}]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name" and containers["description"].startswith("List of containers")
    assert containers["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}
    assert schemas["io.k8s.api.core.v1.PodSpec"]["required"] == ["containers"]
    port = schemas["io.k8s.api.core.v1.ServicePort"]["properties"]
    assert port["targetPort"]["allOf"] == [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}]
    assert (port["protocol"]["default"], port["port"]["format"]) == ("TCP", "int32")


@pytest.mark.parametrize("path", [p.name for p in folder().glob("api*.json")])
def test_every_reference_resolves(path):
    document = orjson.loads((folder() / path).read_bytes())
    missing = set(openapi._references(document)) - document["components"]["schemas"].keys()
    assert not missing


def test_cache_key_follows_the_resources():
    assert openapi.cache_key(KINDS) == openapi.cache_key(list(KINDS)) != openapi.cache_key(KINDS[1:])


def test_index_and_documents(monkeypatch):
    monkeypatch.setattr(openapi, "_folder", folder)
    body, etag = openapi.Index([]).index()
    url = orjson.loads(body)["paths"]["apis/apps/v1"]["serverRelativeURL"]
    content, document_etag = openapi.Index([]).document("apis/apps/v1")
    assert url == f"/openapi/v3/apis/apps/v1?hash={document_etag.strip(chr(34))}" and etag.startswith('"')
    assert orjson.loads(content)["openapi"] == "3.0.0"
    assert openapi.Index([]).document("apis/none/v1") is None


def test_course_py_and_binder_make_them_beforehand():
    made = subprocess.run([sys.executable, "-m", "kubeschool.practice.apiserver.openapi"], capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (0, "")
    assert (openapi._cache() / openapi._served_key() / "schema.json").exists()
