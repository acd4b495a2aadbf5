"""JSON, merge and strategic merge patches."""
import pytest
from kinds import builtin

from kubeschool.practice.apiserver import patch, schema
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.schema import GroupVersionKind

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")


@pytest.fixture(autouse=True)
def types(monkeypatch):
    monkeypatch.setattr(schema, "_builtin", builtin())


def pod(**spec):
    return {"metadata": {"name": "p"}, "spec": spec}


def strategic(obj, change, kind=("", "v1", "Pod")):
    return patch.strategic_merge(obj, change, schema.type_of(*kind))


def names(items):
    return [item["name"] for item in items]


def test_json_patch():
    obj = {"a": {"b": [1, 2]}, "c": 1}
    operations = [{"op": "test", "path": "/c", "value": 1}, {"op": "add", "path": "/a/b/-", "value": 3}, {"op": "remove", "path": "/c"},
                  {"op": "replace", "path": "/a/new", "value": {"x": 1}}, {"op": "copy", "from": "/a/b/0", "path": "/d"}]
    assert patch.json_patch(obj, operations) == {"a": {"b": [1, 2, 3], "new": {"x": 1}}, "d": 1}
    assert obj == {"a": {"b": [1, 2]}, "c": 1}


@pytest.mark.parametrize("operation", [
    {"op": "remove", "path": "/x"}, {"op": "test", "path": "/c", "value": 2},
    {"op": "add", "path": "/x/y", "value": 1}, {"op": "jump", "path": "/c"},
    {"path": "/c"}, {"op": "add", "path": "/c"}, {"op": "add", "path": "", "value": 1}, {"op": "replace", "path": "", "value": 1},
    {"op": "replace", "path": "/l/7", "value": 1}, {"op": "add", "path": "/l/7", "value": 1}, {"op": "replace", "path": "/c"},
])
def test_json_patch_that_does_not_apply(operation):
    with pytest.raises(ApiError) as raised:
        patch.json_patch({"c": 1, "l": [0]}, [operation])
    assert (raised.value.code, raised.value.reason) == (422, "Invalid")
    assert raised.value.message == "the server rejected our request due to an error in our request"


def test_json_patch_that_is_none():
    with pytest.raises(ApiError, match="json: cannot unmarshal object into Go value of type jsonpatch") as raised:
        patch.json_patch({}, {"spec": 1})
    assert raised.value.code == 400
    with pytest.raises(ApiError) as raised:
        patch.json_patch({}, [{}] * 10_001)
    assert raised.value.code == 413


def test_merge_patch():
    obj = {"a": {"b": 1, "c": 2}, "l": [1, 2], "s": "x"}
    assert patch.merge_patch(obj, {"a": {"b": None, "d": {"e": None, "f": 1}}, "l": [3], "s": {"y": 1}}) == {
        "a": {"c": 2, "d": {"f": 1}}, "l": [3], "s": {"y": 1}}
    assert obj == {"a": {"b": 1, "c": 2}, "l": [1, 2], "s": "x"}
    with pytest.raises(ApiError, match="error decoding patch: json: cannot unmarshal "):
        patch.merge_patch(obj, [])


def test_strategic_merges_lists_by_their_key():
    live = pod(containers=[{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "1"}])
    change = {"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "a", "env": [{"name": "Y", "value": "2"}]}]}}
    merged = strategic(live, change)["spec"]["containers"]
    assert {c["name"]: c["image"] for c in merged} == {"a": "1", "b": "2"}
    assert next(c for c in merged if c["name"] == "a")["env"] == [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]
    assert live["spec"]["containers"][1]["image"] == "1"


def test_new_items_come_before_the_servers_own():
    """Upstream's order: items of the patch keep their order, the server's follow unless the live list knows better."""
    live = pod(containers=[{"name": "a"}, {"name": "b"}])
    assert names(strategic(live, {"spec": {"containers": [{"name": "c"}]}})["spec"]["containers"]) == ["c", "a", "b"]
    ordered = {"spec": {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "containers": [{"name": "c"}]}}
    assert names(strategic(live, ordered)["spec"]["containers"]) == ["a", "b", "c"]


def test_set_image_as_kubectl_sends_it():
    live = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1"}, {"name": "log", "image": "busybox"}]}}}}
    change = {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "web"}, {"name": "log"}],
                                             "containers": [{"image": "nginx:2", "name": "web"}]}}}}
    assert strategic(live, change, DEPLOYMENT)["spec"]["template"]["spec"] == {
        "containers": [{"name": "web", "image": "nginx:2"}, {"name": "log", "image": "busybox"}]}


def test_delete_directives():
    live = pod(containers=[{"name": "a"}, {"name": "b"}], nodeSelector={"x": "1", "y": "2"}, securityContext={"runAsUser": 1})
    assert names(strategic(live, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}})["spec"]["containers"]) == ["b"]
    assert strategic(live, {"spec": {"securityContext": {"$patch": "delete"}}})["spec"]["securityContext"] == {}
    assert strategic(live, {"spec": {"securityContext": None, "nodeSelector": {"x": None}}})["spec"] == {
        "containers": live["spec"]["containers"], "nodeSelector": {"y": "2"}}


def test_replace_directives():
    live = pod(containers=[{"name": "a"}, {"name": "b"}], nodeSelector={"x": "1"})
    assert strategic(live, {"spec": {"containers": [{"name": "z"}, {"$patch": "replace"}]}})["spec"]["containers"] == [{"name": "z"}]
    assert strategic(live, {"spec": {"nodeSelector": {"y": "2", "$patch": "replace"}}})["spec"]["nodeSelector"] == {"y": "2"}


def test_retain_keys_replaces_a_union():
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    change = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic(live, change, DEPLOYMENT) == {"spec": {"strategy": {"type": "Recreate"}}}
    with pytest.raises(ApiError, match="invalid patch format of retainKeys"):
        strategic(live, {"spec": {"strategy": {"$retainKeys": ["x"], "type": "Recreate"}}}, DEPLOYMENT)


def test_primitive_lists():
    live = {"metadata": {"finalizers": ["a", "b"]}}
    assert strategic(live, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}) == {"metadata": {"finalizers": ["b"]}}
    assert strategic(live, {"metadata": {"finalizers": ["c", "b"]}}) == {"metadata": {"finalizers": ["c", "a", "b"]}}
    ordered = {"metadata": {"$setElementOrder/finalizers": ["c", "a"], "finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["b"]}}
    assert strategic(live, ordered) == {"metadata": {"finalizers": ["c", "a"]}}


def test_atomic_lists_are_replaced():
    live = pod(tolerations=[{"key": "a"}], containers=[{"name": "a", "args": ["1", "2"]}])
    merged = strategic(live, {"spec": {"tolerations": [{"key": "b"}], "containers": [{"name": "a", "args": ["3"]}]}})
    assert merged["spec"] == {"tolerations": [{"key": "b"}], "containers": [{"name": "a", "args": ["3"]}]}


def test_added_values_lose_directives_and_nulls():
    added = {"spec": {"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Y", "value": None}]}]}}
    assert strategic({"metadata": {}}, added)["spec"] == {"containers": [{"name": "a", "env": [{"name": "Y"}]}]}


def test_missing_merge_key():
    with pytest.raises(ApiError, match=r"map: map\[image:x\] does not contain declared merge key: name"):
        strategic(pod(containers=[{"name": "a"}]), {"spec": {"containers": [{"image": "x"}]}})


def test_order_directive_must_fit():
    change = {"spec": {"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "z"}]}}
    with pytest.raises(ApiError, match="The order in patch list:"):
        strategic(pod(containers=[{"name": "a"}]), change)


def test_result_is_decoded_in_the_patchs_words():
    change = {"spec": {"replicas": 1, "bogus": True}}
    type_ = schema.type_of(*DEPLOYMENT)
    with pytest.raises(ApiError) as raised:
        patch.decode_patched(type_, patch.strategic_merge({}, change, type_), patch.go_format(change), DEPLOYMENT, "Strict")
    assert raised.value.code == 422
    text = 'patch: Invalid value: "map[spec:map[bogus:true replicas:1]]": strict decoding error: unknown field "spec.bogus"'
    assert raised.value.message.endswith(text)
