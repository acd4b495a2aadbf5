"""Requests no client of ours would send get the status and the words of a kube-apiserver."""

import json

import pytest
import urllib3

JSON = "application/json"
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
LARGE = json.dumps({**MAP, "data": {"a": "x" * 3 * 1024 * 1024}})



@pytest.fixture(scope="module")
def ask(core):
    """Asks about the ConfigMaps of the namespace default, as administrator or as nobody."""
    config = core.api_client.configuration
    admin = urllib3.PoolManager(ca_certs=config.ssl_ca_cert, cert_file=config.cert_file, key_file=config.key_file)
    nobody = urllib3.PoolManager(ca_certs=config.ssl_ca_cert)

    def ask(body, headers=None, pool=admin, method="POST", path=""):
        url = f"{config.host}/api/v1/namespaces/default/configmaps{path}"
        answer = pool.request(method, url, body=body, headers={"Content-Type": JSON, **(headers or {})}, retries=False)
        status = json.loads(answer.data)
        assert (status["kind"], status["apiVersion"], status["status"], status["code"]) == ("Status", "v1", "Failure", answer.status)
        return answer.status, status["reason"], status["message"]

    ask.nobody = nobody
    return ask


def test_malformed(ask):
    unrecognized = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
    for body in ("", '{"a":'):
        code, reason, message = ask(body)
        assert (code, reason) == (400, "BadRequest")
        assert message.startswith(unrecognized + "unexpected end of JSON input ("), message
    assert ask("{} x", {"Content-Type": "text/plain"})[:2] == (415, "UnsupportedMediaType")
    for wrong in ({"kind": "Secret"}, {"data": 7}, {"apiVersion": "v2"}):
        assert ask(json.dumps({**MAP, **wrong}))[:2] == (400, "BadRequest")
    assert ask(json.dumps({**MAP, "metadata": {"name": "No_Way"}}))[:2] == (422, "Invalid")


def test_oversized(ask):
    too_large = (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")
    assert ask(LARGE) == too_large
    assert ask(iter([LARGE[:1024].encode(), LARGE[1024:].encode()])) == too_large  # chunked: no Content-Length


def test_unauthenticated_and_unauthorised(ask):
    body = json.dumps(MAP)

    def forbidden(user: str, verb: str = "create", name: str = "") -> tuple[int, str, str]:
        named = f'configmaps "{name}"' if name else "configmaps"
        why = f'User "{user}" cannot {verb} resource "configmaps" in API group "" in the namespace "default"'
        return 403, "Forbidden", f"{named} is forbidden: {why}"

    assert ask(body, {"Authorization": "Bearer nonsense"}, ask.nobody) == (401, "Unauthorized", "Unauthorized")
    for header in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        assert ask(body, header, ask.nobody) == forbidden("system:anonymous")
    assert ask(body, {"Impersonate-User": "jane"}) == forbidden("jane")
    assert ask(LARGE, {"Impersonate-User": "jane"}) == forbidden("jane")
    assert ask(None, {"Impersonate-User": "jane"}, method="GET", path="/c") == forbidden("jane", "get", "c")
