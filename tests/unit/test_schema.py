"""Decoding, defaults and quantities: what a client is told and what is stored."""
import base64
import copy

import orjson
import pytest
from kinds import builtin

from kubeschool.practice.apiserver import quantity, schema
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.schema import GroupVersionKind

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
SECRET = GroupVersionKind("", "v1", "Secret")
OBJECT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}, "creationTimestamp": None},
    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "nginx", "args": [], "ports": [{"containerPort": 80}],
                                 "env": [{"name": "A", "value": "1"}],
                                 "resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}},
                                 "readinessProbe": {"httpGet": {"port": "http"}}}], "volumes": [{"name": "v", "emptyDir": {}}]}}},
}
CONTAINER = ["spec", "template", "spec", "containers", 0]


@pytest.fixture(autouse=True)
def types(monkeypatch):
    monkeypatch.setattr(schema, "_builtin", builtin())


def changed(path, value):
    obj = copy.deepcopy(OBJECT)
    *parents, last = path
    node = obj
    for part in parents:
        node = node[part]
    node[last] = value
    return obj


def decode(obj, gvk=DEPLOYMENT, validation="Strict", duplicates=()):
    return schema.decode(schema.type_of(*gvk), obj, gvk, validation, duplicates)


def message(obj, gvk=DEPLOYMENT):
    with pytest.raises(ApiError) as raised:
        decode(obj, gvk)
    assert raised.value.code == 400
    return raised.value.message


def test_decode_prunes_and_canonicalises():
    obj, warnings = decode(OBJECT)
    assert warnings == []
    assert obj["spec"]["replicas"] == 0 and "creationTimestamp" not in obj["metadata"]
    container = obj["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    assert "args" not in container and obj["spec"]["template"]["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert OBJECT["metadata"]["creationTimestamp"] is None and obj["metadata"] is not OBJECT["metadata"]


def test_unknown_fields_are_refused_warned_about_or_dropped():
    obj = changed([*CONTAINER, "bogus"], {"x": 1})
    obj["spec"]["nope"] = None
    assert message(obj) == ('Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
                            'unknown field "spec.template.spec.containers[0].bogus", unknown field "spec.nope"')
    pruned, warnings = decode(obj, validation="Warn", duplicates=['duplicate field "spec"'])
    assert warnings == ['duplicate field "spec"', 'unknown field "spec.template.spec.containers[0].bogus"', 'unknown field "spec.nope"']
    assert "bogus" not in pruned["spec"]["template"]["spec"]["containers"][0]
    assert decode(obj, validation="Ignore")[1] == []


@pytest.mark.parametrize(("path", "value", "text"), [
    (["spec", "replicas"], "x", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (["spec", "replicas"], 1.5, "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (["spec", "replicas"], 2**31,
     "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32"),
    ([*CONTAINER, "env", 0, "value"], 1,
     "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string"),
    ([*CONTAINER, "ports"], {},
     "json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort"),
    (["metadata", "labels", "app"], True, "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string"),
    (["metadata", "labels"], [], "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string"),
    ([*CONTAINER, "resources", "requests", "cpu"], "lots", quantity.INVALID),
    (["metadata", "creationTimestamp"], "soon",
     'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"'),
    ([*CONTAINER, "readinessProbe", "httpGet", "port"], False, "json: cannot unmarshal bool into Go value of type int32"),
])
def test_wrong_types(path, value, text):
    assert message(changed(path, value)) == f'Deployment in version "v1" cannot be handled as a Deployment: {text}'


def test_wrong_kind_and_version():
    assert message({"apiVersion": "v1", "kind": "Service"}) == (
        'Service in version "v1" cannot be handled as a Deployment: converting (v1.Service) to (apps.Deployment): unknown conversion')
    assert 'no kind "Foo" is registered for version "apps/v1"' in message(changed(["kind"], "Foo"))
    assert message(changed(["apiVersion"], "apps/v1beta1")) == (
        "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)")
    obj, _ = decode({"spec": OBJECT["spec"]})
    assert (obj["apiVersion"], obj["kind"]) == ("apps/v1", "Deployment")


@pytest.mark.parametrize("text", ["abc", "a", "YQ=", "YQ", "Q@JD", "hello world", "YWJjZGU", "=", "YQ==YQ=="])
def test_base64_faults_are_refused(text):
    with pytest.raises(ValueError):
        base64.b64decode(text, validate=True)
    assert "illegal base64 data at input byte" in message({"data": {"k": text}}, SECRET)


def test_base64_offsets():
    def offset(text):
        return int(message({"data": {"k": text}}, SECRET).rpartition(" ")[2])

    assert [offset(t) for t in ("hello world", "YWJjZGU", "YQ=", "=", "YQ==x")] == [5, 4, 3, 0, 4]
    assert decode({"data": {"k": "YQ=="}}, SECRET)[0]["data"] == {"k": "YQ=="}


def test_parse_json_and_yaml():
    assert schema.parse(b'{"a": 1}') == ({"a": 1}, [])
    assert schema.parse(b'{"s":{"a":1,"a":2,"l":[{"b":1,"b":2}]}}') == (
        {"s": {"a": 2, "l": [{"b": 2}]}}, ['duplicate field "s.a"', 'duplicate field "s.l[0].b"'])
    body = b"a: 0644\nb: 2020-01-01\nc: 1:30\n1: x\ntrue: y\nd: 0x10\ne:\nf: 1e3\n"
    assert schema.parse(body, "application/yaml") == (
        {"a": 420, "b": "2020-01-01", "c": "1:30", "1": "x", "true": "y", "d": 16, "e": None, "f": 1000.0}, [])
    assert schema.parse(b"a: 1\na: 2\n", "application/yaml") == ({"a": 2}, ['line 2: key "a" already set in map'])


@pytest.mark.parametrize(("body", "text"), [
    (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    (b"[1,]", "invalid character ']' looking for beginning of value"),
    (b'{"a" 1}', "invalid character '1' after object key"),
    (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
    (b"[1 2]", "invalid character '2' after array element"),
    (b'{"a":1} x', "invalid character 'x' after top-level value"),
    (b'{"a":"x', "unexpected end of JSON input"),
    (b"", "unexpected end of JSON input"),
    (b"{", "unexpected end of JSON input"),
])
def test_malformed_json(body, text):
    with pytest.raises(ApiError) as raised:
        schema.parse(body, kind="Pod")
    prefix = f"the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: {text} ("
    assert raised.value.code == 400 and raised.value.message.startswith(prefix)


def test_malformed_yaml():
    with pytest.raises(ApiError, match=r"\): yaml: mapping values are not allowed in this context \(613a20623a2063\)"):
        schema.parse(b"a: b: c", "application/yaml", "Pod")


def test_defaults_of_the_schema():
    obj, _ = decode(OBJECT)
    schema.apply_defaults(schema.type_of(*DEPLOYMENT), obj)
    container = obj["spec"]["template"]["spec"]["containers"][0]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    before = orjson.dumps(obj)
    schema.apply_defaults(schema.type_of(*DEPLOYMENT), obj)
    assert orjson.dumps(obj) == before


def test_facts_are_joined_to_the_clients_models():
    pod = schema.type_of("", "v1", "Pod").fields["spec"].type.fields
    assert (pod["containers"].patch_strategy, pod["containers"].merge_key, pod["containers"].required) == ("merge", "name", True)
    assert pod["containers"].type.items.fields["ports"].type.list_map_keys == ("containerPort", "protocol")
    assert pod["terminationGracePeriodSeconds"].type.kind == "int64"
    service = schema.type_of("", "v1", "Service").fields["spec"].type.fields
    assert service["ports"].type.items.fields["targetPort"].type.kind == "int-or-string"
    assert service["selector"].type.map_type == "atomic"
    assert schema.type_of("apps", "v1", "Deployment").fields["spec"].type.fields["selector"].type.map_type == "atomic"


def test_null_items_become_zero_values():
    config_map = GroupVersionKind("", "v1", "ConfigMap")
    assert decode({"data": {"a": None}}, config_map)[0]["data"] == {"a": ""}


@pytest.mark.parametrize(("text", "canonical"), [
    ("0.5", "500m"), ("1024Mi", "1Gi"), ("1500", "1500"), ("1000", "1k"), ("0", "0"), ("1.5Gi", "1536Mi"), ("100m", "100m"),
    ("1000m", "1"),
    ("1e3", "1e3"), ("1E", "1E"), ("12e6", "12e6"), ("0.5Ki", "512"), ("-1.5", "-1500m"), ("1Ki", "1Ki"), ("1536", "1536"), ("+2", "2"),
    ("0.1n", "1n"),
    ("100Mi", "100Mi"), ("2000Ki", "2000Ki"), (".5", "500m"), ("5.", "5"), ("3e-3", "3e-3"),
])
def test_canonical_quantities(text, canonical):
    assert quantity.canonical(text) == canonical


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "1gi", "1Mib", "--1", "1e", "."])
def test_invalid_quantities(text):
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        quantity.parse(text)


def test_quantity_values():
    assert (quantity.milli("0.5"), quantity.milli("100u"), quantity.value("1Gi"), quantity.value("1500m")) == (500, 1, 1 << 30, 2)
