"""The HTTP layer: requests that are malformed, refused or unusual get the status and the message of a kube-apiserver.

The expected texts are a real server's (1.20, compared request by request), where newer versions say it otherwise theirs.
"""

import asyncio
import gzip
import json

import aiohttp
import pytest
import pytest_asyncio
import yaml
from aiohttp.test_utils import RawTestServer
from api import Api

from kubeschool.practice.apiserver import watching
from kubeschool.practice.apiserver.authentication import ServiceAccountTokens
from kubeschool.practice.apiserver.bootstrap import bootstrap
from kubeschool.practice.apiserver.http import BODY_LIMIT, HttpServer
from kubeschool.practice.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAPS, PODS, ONE = "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/configmaps/one"
JSON, MERGE = {"Content-Type": "application/json"}, {"Content-Type": "application/merge-patch+json"}
STRATEGIC, PATCH, APPLY = (
    {"Content-Type": f"application/{kind}"} for kind in ("strategic-merge-patch+json", "json-patch+json", "apply-patch+yaml"))
YAML, PROTOBUF = {"Content-Type": "application/yaml"}, {"Content-Type": "application/vnd.kubernetes.protobuf"}
BODIES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include: "
UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NO_METHOD = "the server does not allow this method on the requested resource"
NO_PATH = "the server could not find the requested resource"
GO = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
LABEL = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"


def config_map(name: str = "new", **metadata) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"a": "b"}})


class Server:
    """`ask` gives (status, Status message or body, headers)."""

    def __init__(self, http: HttpServer, api: Api, base: str, session: aiohttp.ClientSession, token: str):
        self.http, self.api, self.base, self.session, self.token = http, api, base, session, token

    async def ask(self, method: str, path: str, headers: dict | None = None, body: str | bytes | None = None, token: str | None = None):
        token = self.token if token is None else token
        who = {"Authorization": f"Bearer {token}"} if token else {}
        skip = () if "Content-Type" in (headers or {}) else ("Content-Type",)
        url = self.base + path
        async with self.session.request(method, url, headers={**who, **(headers or {})}, data=body, skip_auto_headers=skip) as response:
            data = await response.read()
            if response.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            try:
                said = json.loads(data)
            except ValueError:
                said = data.decode()
            if isinstance(said, dict) and said.get("kind") == "Status":
                assert said.get("code", 200) == response.status and response.reason == GO.get(response.status, response.reason)
                said = said.get("message", said["status"])
            return response.status, said, response.headers


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(tmp_path_factory):
    tokens = ServiceAccountTokens(tmp_path_factory.mktemp("pki") / "sa.key")
    api = Api(tokens)
    admin = api._client("admin", "test", "system:masters")
    bootstrap(admin, "172.18.0.2", 6443)
    role = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"}
    admin.create("clusterrolebindings.rbac.authorization.k8s.io", {
        "metadata": {"name": "all"}, "roleRef": role, "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]})
    account = admin.get("serviceaccounts", "default", "default")
    http = HttpServer(api.registry, lambda node: None, admin, None)
    async with RawTestServer(http.handle) as raw, aiohttp.ClientSession(auto_decompress=False) as session:
        yield Server(http, api, str(raw.make_url("")).rstrip("/"), session, tokens.issue(account, [], 3600)[0])


@pytest.fixture(autouse=True)
def one(server):
    """A ConfigMap that every test finds as it was."""
    client = Client(server.api.registry, server.api._client("admin", "test", "system:masters").user, "test")
    client.create("configmaps", json.loads(config_map("one", namespace="default")))
    yield
    for obj in client.list("configmaps", "default"):
        client.delete("configmaps", "default", obj["metadata"]["name"])


async def refused(server, method, path, headers, body, code, message):
    status, said, _ = await server.ask(method, path, headers, body)
    assert (status, said) == (code, message)


JSON_STRUCT = (
    'json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)


@pytest.mark.parametrize(("headers", "body", "code", "message"), [
    (JSON, '{"a":', 400, UNRECOGNIZED + "couldn't get version/kind; json parse error: unexpected end of JSON input ({\"a\":)"),
    (JSON, "", 400, UNRECOGNIZED + "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"),
    (JSON, "[]", 400, UNRECOGNIZED + f"couldn't get version/kind; {JSON_STRUCT} (5b5d)"),
    (JSON, "null", 422, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
    (JSON, "{" * 500, 400, UNRECOGNIZED + "couldn't get version/kind; json parse error: "
                           f"invalid character '{{' looking for beginning of object key string ({'{' * 30} ...)"),
    (JSON, '{"a":' * 5000 + "1" + "}" * 5000, 400,
     UNRECOGNIZED + 'couldn\'t get version/kind; json parse error: exceeded max depth ({"a":{"a":{"a":{"a":{"a":{"a": ...)'),
    (YAML, "a: [1", 400, UNRECOGNIZED + "yaml: line 1: did not find expected ',' or ']' (613a205b31)"),
    (YAML, "a: b: c", 400, UNRECOGNIZED + "yaml: mapping values are not allowed in this context (613a20623a2063)"),
    (PROTOBUF, "abc", 400,
     UNRECOGNIZED + "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (616263)"),
    (PROTOBUF, b"k8s\0\xff\xff", 400, UNRECOGNIZED + "unexpected EOF (6b387300ffff)"),
    ({"Content-Type": "text/plain"}, "x", 415, UNKNOWN_FORMAT + BODIES),
    (JSON, config_map(resourceVersion="5"), 422, "resourceVersion should not be set on objects to be created"),
    (JSON, config_map(namespace="kube-system"), 400,
     "the namespace of the provided object does not match the namespace sent on the request"),
    (JSON, '{"kind":"Bogus","apiVersion":"v1"}', 400,
     'Bogus in version "v1" cannot be handled as a ConfigMap: no kind "Bogus" is registered for version "v1" in scheme '
     '"pkg/api/legacyscheme/scheme.go:30"'),
])
async def test_bodies_that_cannot_be_created(server, headers, body, code, message):
    await refused(server, "POST", MAPS, headers, body, code, message)


async def test_a_body_without_a_media_type_is_json_and_takes_what_go_takes(server):
    status, made, _ = await server.ask("POST", MAPS, {}, '{"metadata":{"name":"plain"},"data":{"half":"\\ud800"}}')
    assert (status, made["kind"], made["data"]["half"]) == (201, "ConfigMap", "�")


async def test_the_limit_of_a_body(server):
    message = "Request entity too large: limit is 3145728"
    for body in (b" " * (BODY_LIMIT + 1), _chunks()):
        assert (await server.ask("POST", MAPS, JSON, body))[:2] == (413, message)


async def _chunks():
    for _ in range(4):
        yield b" " * 1024 * 1024


@pytest.mark.parametrize(("accept", "code", "media_type"), [
    ("application/xml", 406, "application/json"),
    ("application/json;as=Table;v=v9;g=meta.k8s.io", 406, "application/json"),
    ("text/html, */*;q=0.1", 200, "application/json"),
    ("application/yaml", 200, "application/yaml"),
    ("application/vnd.kubernetes.protobuf,application/json", 200, "application/json"),
    ("application/json;as=Table;v=v1;g=meta.k8s.io", 200, "application/json"),
])
async def test_accept(server, accept, code, media_type):
    status, said, headers = await server.ask("GET", ONE, {"Accept": accept})
    assert (status, headers["Content-Type"]) == (code, media_type)
    if code == 406:
        assert said == f"only the following media types are accepted: {BODIES}"
    elif "as=" in accept:
        assert said["kind"] == "Table"
    elif media_type == "application/yaml":
        assert yaml.safe_load(said)["data"] == {"a": "b"}


@pytest.mark.parametrize(("method", "path", "code", "message"), [
    ("GET", "/api/v1/namespaces/default/foos", 404, NO_PATH),
    ("GET", ONE + "/status", 404, NO_PATH),
    ("GET", ONE + "/foo", 404, NO_PATH),
    ("GET", "/api/v1/configmaps/one", 404, NO_PATH),
    ("GET", "/api/v1/namespaces/default/nodes", 404, NO_PATH),
    ("GET", "/apis/apps/v9", 404, NO_PATH),
    ("GET", "/openapi/v3/nope", 404, NO_PATH),
    ("GET", "/apis/foo/v1/bars", 404, "404 page not found\n"),
    ("GET", "/apis/nope", 404, "404 page not found\n"),
    ("GET", MAPS + "/nope", 404, 'configmaps "nope" not found'),
    ("POST", ONE, 405, NO_METHOD),
    ("PUT", MAPS, 405, NO_METHOD),
    ("PATCH", MAPS, 405, NO_METHOD),
    ("DELETE", "/api/v1/namespaces", 405, NO_METHOD),
    ("POST", "/api/v1/configmaps", 405, NO_METHOD),
    ("POST", "/version", 405, NO_METHOD),
    ("OPTIONS", MAPS, 405, NO_METHOD),
    ("GET", "/apis/authentication.k8s.io/v1/tokenreviews", 405, NO_METHOD),
])
async def test_paths_and_methods(server, method, path, code, message):
    await refused(server, method, path, {}, None, code, message)


async def test_head_and_unknown_paths(server):
    assert (await server.ask("HEAD", MAPS))[0] == 405
    for path in ("/foo", "/healthz/nope", "//api/v1/namespaces"):
        status, said, _ = await server.ask("GET", path)
        assert status == 404 and {"/api/v1", "/apis/apps/v1", "/livez/etcd"} <= set(said["paths"])


LIST = 'ListOptions.meta.k8s.io "" is invalid: '
INVALID_VERSION = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'


@pytest.mark.parametrize(("query", "code", "message"), [
    ("limit=abc", 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
    ("watch=true&timeoutSeconds=abc", 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
    ("limit=99999999999999999999", 400, 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
    ("resourceVersion=abc", 400, f"invalid resource version: {INVALID_VERSION}"),
    ("watch=1&resourceVersion=abc", 400, f"invalid resource version: {INVALID_VERSION}"),
    ("labelSelector=a%20in%20b", 400, "unable to parse requirement: found 'b' expected: '('"),
    ("labelSelector=-a%3Db", 400, f'unable to parse requirement: <nil>: Invalid value: "-a": {LABEL} (e.g. \'MyName\',  or \'my.name\',  '
                                  "or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"),
    ("fieldSelector=foo%3Db", 400, '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ("fieldSelector=foo", 400, "invalid selector: 'foo'; can't understand 'foo'"),
    ("limit=1&continue=e30%3D", 400, "invalid continue token: continue key is not valid: 'after'"),
    ("resourceVersionMatch=Exact", 422,
     LIST + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ("resourceVersion=1&resourceVersionMatch=Bogus", 422,
     LIST + 'resourceVersionMatch: Unsupported value: "Bogus": supported values: "Exact", "NotOlderThan", ""'),
    ("resourceVersion=0&resourceVersionMatch=Exact", 422,
     LIST + 'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    ("continue=x&resourceVersion=1&resourceVersionMatch=Exact", 422,
     LIST + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"),
    ("watch=1&resourceVersion=1&resourceVersionMatch=NotOlderThan", 422,
     LIST + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ("watch=1&sendInitialEvents=true", 422,
     LIST + "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    ("sendInitialEvents=true", 422, LIST + "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
])
async def test_parameters_of_lists_and_watches(server, query, code, message):
    await refused(server, "GET", f"{MAPS}?{query}", {}, None, code, message)


async def test_lists_at_versions(server):
    before = server.api.store.revision
    await server.ask("POST", MAPS, JSON, config_map("two"))
    _, exact, _ = await server.ask("GET", f"{MAPS}?resourceVersion={before}&resourceVersionMatch=Exact")
    _, newer, _ = await server.ask("GET", f"{MAPS}?resourceVersion={before}&resourceVersionMatch=NotOlderThan")
    assert [o["metadata"]["name"] for o in exact["items"]] == ["one"] and exact["metadata"]["resourceVersion"] == str(before)
    assert [o["metadata"]["name"] for o in newer["items"]] == ["one", "two"]
    status, said, _ = await server.ask("GET", f"{MAPS}?resourceVersion=99999999")
    assert (status, said) == (504, f"Timeout: Too large resource version: 99999999, current: {server.api.store.revision}")


async def test_pages(server):
    await server.ask("POST", MAPS, JSON, config_map("two"))
    _, first, _ = await server.ask("GET", f"{MAPS}?limit=1")
    await server.ask("POST", MAPS, JSON, config_map("three"))
    token, rest = first["metadata"]["continue"], first["metadata"]["remainingItemCount"]
    _, second, _ = await server.ask("GET", f"{MAPS}?limit=1&continue={token}")
    assert (rest, [o["metadata"]["name"] for o in second["items"]], "continue" in second["metadata"]) == (1, ["two"], False)
    pages = server.http._pager
    pages._snapshots.clear()
    answer = await server.session.get(f"{server.base}{MAPS}?limit=1&continue={token}", headers={"Authorization": f"Bearer {server.token}"})
    expired = await answer.json()
    assert (answer.status, expired["reason"], expired["message"]) == (410, "Expired", watching.TOO_OLD)
    _, inconsistent, _ = await server.ask("GET", f"{MAPS}?continue={expired['metadata']['continue']}")
    assert [o["metadata"]["name"] for o in inconsistent["items"]] == ["three", "two"]
    message = "specifying resource version is not allowed when using continue"
    await refused(server, "GET", f"{MAPS}?limit=1&continue={token}&resourceVersion=5", {}, None, 400, message)


OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


@pytest.mark.parametrize("method", list(OPTIONS))
async def test_dry_run_has_one_value(server, method):
    path, headers = (MAPS if method == "POST" else ONE), (MERGE if method == "PATCH" else JSON)
    body = None if method == "DELETE" else "{}" if method == "PATCH" else config_map("one")
    message = f'{OPTIONS[method]}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Bogus"]: supported values: "All"'
    await refused(server, method, f"{path}?dryRun=Bogus", headers, body, 422, message)


@pytest.mark.parametrize(("method", "query", "headers", "body", "code", "message"), [
    ("DELETE", "propagationPolicy=Bogus", {}, None, 422, 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: '
                                                         '"Bogus": supported values: "Foreground", "Background", "Orphan", "nil"'),
    ("DELETE", "", JSON, '{"propagationPolicy":"Orphan","orphanDependents":true}', 422,
     'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": '
     "orphanDependents and deletionPropagation cannot be both set"),
    ("DELETE", "gracePeriodSeconds=abc", {}, None, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
    ("DELETE", "", JSON, '{"gracePeriodSeconds":"x"}', 400,
     "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
    ("DELETE", "", JSON, '{"preconditions":{"resourceVersion":"1"}}', 409, None),
    ("PATCH", "force=true", MERGE, "{}", 422,
     'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'),
    ("PATCH", "", APPLY, "{}", 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'),
    ("PATCH", "", JSON, "{}", 415, UNKNOWN_FORMAT + "application/json-patch+json, application/merge-patch+json, "
                                                    "application/strategic-merge-patch+json, application/apply-patch+yaml"),
    ("PATCH", "", MERGE, "", 400, "error decoding patch: unexpected end of JSON input"),
    ("PATCH", "", STRATEGIC, "{a", 400, "invalid character 'a' looking for beginning of object key string"),
    ("PATCH", "", PATCH, '[{"op":"test","path":"/data/x","value":1}]', 422,
     "the server rejected our request due to an error in our request"),
    ("PATCH", "", MERGE, '{"metadata":{"name":"x"}}', 400, "the name of the object (x) does not match the name on the URL (one)"),
    ("PATCH", "", MERGE, '{"metadata":{"namespace":"x"}}', 400,
     "the namespace of the object (x) does not match the namespace on the request (default)"),
    ("PATCH", "fieldManager=x", APPLY, "", 400, "Incorrect version specified in apply patch. Specified patch version: , expected: v1"),
    ("PATCH", "fieldManager=x", APPLY, "- a", 400, "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
                                                   "unmarshal array into Go value of type map[string]interface {}"),
    ("PATCH", "fieldManager=x", APPLY, "a: [", 400,
     "error decoding YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content"),
    ("PUT", "fieldValidation=Bogus", JSON, config_map("one"), 422, 'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported '
                                                                   'value: "Bogus": supported values: "", "Ignore", "Strict", "Warn"'),
    ("PUT", "fieldManager=" + "x" * 129, JSON, config_map("one"), 422,
     'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes'),
    ("PUT", "", JSON, config_map("other"), 400, "the name of the object (other) does not match the name on the URL (one)"),
    ("PUT", "", JSON, config_map("one", resourceVersion="1"), 409, 'Operation cannot be fulfilled on configmaps "one": '
     "the object has been modified; please apply your changes to the latest version and try again"),
])
async def test_writes_that_are_refused(server, method, query, headers, body, code, message):
    before = server.api.store.revision
    status, said, _ = await server.ask(method, f"{ONE}?{query}", headers, body)
    assert (status, said) == (code, message or said) and server.api.store.revision == before
    if message is None:
        why = "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record ("
        assert said.startswith(f'Operation cannot be fulfilled on ConfigMap "one": {why}')


async def test_another_uid_is_a_conflict(server):
    status, said, _ = await server.ask("PUT", ONE, JSON, config_map("one", uid="abc"))
    assert status == 409 and "AdditionalErrorMsg: Precondition failed: UID in precondition: abc, UID in object meta: " in said


async def test_who_may(server):
    assert (await server.ask("GET", MAPS, token="bogus"))[:2] == (401, "Unauthorized")
    for nobody in ("Basic eDp5", "Bearer", "Bearer "):
        assert (await server.ask("GET", MAPS, {"Authorization": nobody}, token=""))[0] == 403
    for path, message in (
        (PODS, 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"'),
        ("/api/v1/nodes/x",
         'nodes "x" is forbidden: User "system:anonymous" cannot get resource "nodes" in API group "" at the cluster scope'),
        ("/metrics", 'forbidden: User "system:anonymous" cannot get path "/metrics"'),
        ("/foo", 'forbidden: User "system:anonymous" cannot get path "/foo"'),
    ):
        assert (await server.ask("GET", path, token=""))[:2] == (403, message)
    assert (await server.ask("GET", "/version", token=""))[0] == 200


async def test_health(server):
    for path in ("/healthz", "/livez", "/readyz", "/livez/etcd"):
        assert (await server.ask("GET", path))[:2] == (200, "ok")
    _, said, _ = await server.ask("GET", "/livez?verbose&exclude=etcd")
    assert said == "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\nlivez check passed\n"
    assert (await server.ask("GET", "/metrics"))[1].startswith("# TYPE")


async def test_deprecated_kinds_warn_on_reads(server):
    for path, text in (
        ("/api/v1/namespaces/default/endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("/api/v1/namespaces/default/endpoints/nope", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("/api/v1/namespaces/default/endpoints?watch=1&timeoutSeconds=-1",
         "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("/api/v1/componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"),
    ):
        assert (await server.ask("GET", path))[2].getall("Warning") == [f'299 - "{text}"']


async def test_component_statuses_tell_who_runs(server):
    server.api.registry.healthy["scheduler"] = lambda: False
    _, found, _ = await server.ask("GET", "/api/v1/componentstatuses")
    etcd, scheduler = found["items"]
    assert etcd["conditions"] == [{"type": "Healthy", "status": "True", "message": "ok"}]
    assert scheduler["conditions"][0]["message"].endswith("dial tcp 127.0.0.1:10259: connect: connection refused")


async def test_a_watch_from_a_version_that_is_gone(server):
    store = server.api.store
    store.oldest, oldest = store.revision, store.oldest
    try:
        _, event, _ = await server.ask("GET", f"{MAPS}?watch=1&resourceVersion=1")
    finally:
        store.oldest = oldest
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert event["object"]["message"] == f"too old resource version: 1 ({store.revision})"


async def test_many_watches_see_every_change(server):
    async def watch() -> list[str]:
        who, url = {"Authorization": f"Bearer {server.token}"}, f"{server.base}{MAPS}?watch=true&resourceVersion={since}"
        async with server.session.get(url, headers=who) as response:
            ready.append(1)
            return [json.loads(await response.content.readline())["object"]["metadata"]["name"] for _ in range(3)]

    since, ready = server.api.store.revision, []
    watches = [asyncio.create_task(watch()) for _ in range(40)]
    async with asyncio.timeout(5):
        while len(ready) < 40:
            await asyncio.sleep(0.01)
        for name in ("x", "y", "z"):
            await server.ask("POST", MAPS, JSON, config_map(name))
        assert await asyncio.gather(*watches) == [["x", "y", "z"]] * 40


async def test_large_answers_are_compressed_and_pretty_ones_indented(server):
    await server.ask("POST", MAPS, JSON, json.dumps({"metadata": {"name": "big"}, "data": {"a": "x" * 200_000}}))
    who = {"Authorization": f"Bearer {server.token}", "Accept-Encoding": "gzip"}
    async with server.session.get(f"{server.base}{MAPS}/big", headers=who) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(await response.read()))["data"]["a"]) == 200_000
    async with server.session.get(f"{server.base}{ONE}?pretty=true", headers=who) as response:
        assert (await response.text()).startswith('{\n  "kind": "ConfigMap",\n')


async def test_deletecollection(server):
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        await server.ask("POST", MAPS, JSON, config_map(name, labels={"l": label}))
    status, said, _ = await server.ask("DELETE", f"{MAPS}?labelSelector=l%3Dx")
    assert (status, said["kind"], [o["metadata"]["name"] for o in said["items"]]) == (200, "ConfigMapList", ["a", "b"])
    _, left, _ = await server.ask("GET", MAPS)
    assert [o["metadata"]["name"] for o in left["items"]] == ["c", "one"]


async def test_a_compressed_body_is_read(server):
    status, made, _ = await server.ask("POST", MAPS, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(config_map().encode()))
    assert (status, made["metadata"]["name"]) == (201, "new")


async def test_the_issuer_of_tokens_describes_itself(server):
    status, found, _ = await server.ask("GET", "/.well-known/openid-configuration")
    assert (status, found["issuer"]) == (200, "https://kubernetes.default.svc.cluster.local")
    assert found["jwks_uri"].endswith("/openid/v1/jwks")
    [key] = (await server.ask("GET", "/openid/v1/jwks"))[1]["keys"]
    assert (key["kty"], key["alg"], key["e"]) == ("RSA", "RS256", "AQAB")


async def test_a_review_has_no_table(server):
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    review = json.dumps({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"nonResourceAttributes": {}}})
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await server.ask("POST", path, {**JSON, "Accept": table}, review))[0] == 406
    assert (await server.ask("POST", path, {**JSON, "Accept": f"{table},application/json"}, review))[0] == 201
