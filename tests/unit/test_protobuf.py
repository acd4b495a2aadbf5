"""kubectl's own bodies (recorded by tests/tools/capture_kubectl_protobuf.py) decode to what kubectl prints for them."""
import base64
import json
from pathlib import Path

import pytest

from kubeschool.practice.apiserver import protobuf
from kubeschool.practice.apiserver.errors import ApiError

RECORDS = json.loads((Path(__file__).parent / "data" / "kubectl_protobuf.json").read_text())


def without_empty(value):
    """Go's JSON writes empty structs, nulls and the zero values of some optional fields; they mean nothing."""
    if isinstance(value, dict):
        pruned = {k: without_empty(v) for k, v in value.items()}
        return {k: v for k, v in pruned.items() if v not in (None, {}, [])}
    return [without_empty(v) for v in value] if isinstance(value, list) else value


def decoded(command):
    record = next(r for r in RECORDS if r["command"].startswith(command))
    return protobuf.decode(base64.b64decode(record["body"]))


@pytest.mark.parametrize("record", [r for r in RECORDS if r["want"]], ids=lambda r: r["command"])
def test_body_equals_client_dry_run(record):
    assert without_empty(protobuf.decode(base64.b64decode(record["body"]))) == without_empty(record["want"])


def test_absent_and_zero_are_different_for_pointers():
    assert decoded("create deployment")["spec"]["replicas"] == 0
    assert "minReadySeconds" not in decoded("create deployment")["spec"]


def test_bodies_without_client_dry_run():
    assert decoded("create token")["spec"] == {"audiences": ["a"], "expirationSeconds": 600}
    assert decoded("auth can-i get pods")["spec"] == {"resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"}}
    assert decoded("auth whoami") == {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    node_debugger = decoded("debug node/n1")["spec"]
    assert node_debugger["nodeName"] == "n1" and node_debugger["volumes"] == [{"name": "host-root", "hostPath": {"path": "/"}}]
    assert decoded("debug web --copy-to")["spec"]["containers"][0]["resources"] == {"limits": {"memory": "64Mi"}}
    request = decoded("certificate approve")
    assert request["spec"]["extra"] == {"k": ["a", "b"]}
    assert request["status"]["conditions"][0]["lastUpdateTime"].endswith("Z")


def test_damaged_bodies_are_refused_or_decoded_but_never_crash():
    body = base64.b64decode(RECORDS[0]["body"])
    refused = 0
    for at in range(len(body)):
        for damaged in (body[:at], body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1:]):
            try:
                protobuf.decode(damaged)
            except ApiError as error:
                assert error.code == 400
                refused += 1
    assert refused > len(body)


def test_unknown_kind():
    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    body = protobuf.PREFIX + field(1, field(1, b"example.com/v1") + field(2, b"Widget"))
    with pytest.raises(ApiError, match='no kind "Widget" is registered for version "example'):
        protobuf.decode(body)
    with pytest.raises(ApiError, match="does not appear to be a protobuf message"):
        protobuf.decode(b"{}")
