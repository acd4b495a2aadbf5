"""Who owns what after updates and server-side apply."""
import copy

import pytest
from kinds import builtin

from kubeschool.practice.apiserver import managedfields, schema
from kubeschool.practice.apiserver.errors import ApiError
from kubeschool.practice.apiserver.schema import GroupVersionKind

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
WEB, PORT = 'k:{"name":"web"}', 'k:{"containerPort":80,"protocol":"TCP"}'
OBJECT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "u", "labels": {"app": "web"}},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
        "containers": [{"name": "web", "image": "nginx:1", "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {}}]}}},
}


@pytest.fixture(autouse=True)
def types(monkeypatch):
    monkeypatch.setattr(schema, "_builtin", builtin())


def update(old, new, manager, now=EARLY, **options):
    """`new` as stored after `manager` wrote it."""
    new = copy.deepcopy(new)
    before = copy.deepcopy((old, new))
    fields = managedfields.update(old, new, schema.type_of(*DEPLOYMENT), manager=manager, api_version="apps/v1", now=now, **options)
    assert (old, new) == before
    new["metadata"]["managedFields"] = fields
    return new


def apply(live, applied, manager="me", force=False, now=LATE, **options):
    before = copy.deepcopy((live, applied))
    type_ = schema.type_of(*DEPLOYMENT)
    merged = managedfields.apply(live, applied, type_, manager=manager, force=force, api_version="apps/v1", now=now, **options)
    assert (live, applied) == before
    return merged


def created(obj=OBJECT):
    return update(None, obj, "kubectl-create")


def entry(obj, manager):
    return next((e for e in obj["metadata"]["managedFields"] if e["manager"] == manager), None)


def fields(obj, manager):
    found = entry(obj, manager)
    return found and found["fieldsV1"]


def config(replicas=None, image=None, labels=None, containers=None):
    """A configuration to apply."""
    spec = {} if replicas is None else {"replicas": replicas}
    containers = [{"name": "web", "image": image}] if image else containers
    if containers is not None:
        spec["template"] = {"spec": {"containers": containers}}
    metadata = {"name": "d", **({"labels": labels} if labels else {})}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **({"spec": spec} if spec else {})}


def test_create_owns_everything_but_identity():
    assert created()["metadata"]["managedFields"] == [{
        "manager": "kubectl-create", "operation": "Update", "apiVersion": "apps/v1", "time": EARLY, "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:containers": {WEB: {
                    ".": {}, "f:name": {}, "f:image": {}, "f:resources": {},
                    "f:ports": {".": {}, PORT: {".": {}, "f:containerPort": {}, "f:protocol": {}}}}}}}}}}]


def test_update_moves_what_changed():
    old = created()
    new = copy.deepcopy(old)
    new["spec"]["replicas"] = 2
    new["metadata"]["labels"]["tier"] = "front"
    stored = update(old, new, "kubectl-edit", LATE)
    assert fields(stored, "kubectl-edit") == {"f:spec": {"f:replicas": {}}, "f:metadata": {"f:labels": {"f:tier": {}}}}
    assert entry(stored, "kubectl-edit")["time"] == LATE and entry(stored, "kubectl-create")["time"] == EARLY
    assert "f:replicas" not in fields(stored, "kubectl-create")["f:spec"]
    assert "f:app" in fields(stored, "kubectl-create")["f:metadata"]["f:labels"]


def test_update_without_change_changes_no_entry():
    old = created()
    assert update(old, old, "someone", LATE)["metadata"]["managedFields"] == old["metadata"]["managedFields"]


def test_removed_fields_have_no_owner():
    old = created()
    new = copy.deepcopy(old)
    del new["spec"]["template"]["spec"]["containers"][0]["ports"]
    stored = update(old, new, "kubectl-edit")
    assert "f:ports" not in fields(stored, "kubectl-create")["f:spec"]["f:template"]["f:spec"]["f:containers"][WEB]
    assert entry(stored, "kubectl-edit") is None


def test_status_is_its_own_entry():
    old = created()
    stored = update(old, {**old, "status": {"replicas": 1}}, "kube-controller-manager", subresource="status")
    assert entry(stored, "kube-controller-manager")["subresource"] == "status"
    assert fields(stored, "kube-controller-manager") == {"f:status": {"f:replicas": {}}}


def test_client_may_forget_or_reset_managed_fields():
    old = created()
    forgotten = {**OBJECT, "metadata": {**OBJECT["metadata"], "managedFields": []}}
    assert update(old, forgotten, "python")["metadata"]["managedFields"] == old["metadata"]["managedFields"]
    reset = {**OBJECT, "metadata": {**OBJECT["metadata"], "managedFields": [{}]}}
    assert update(old, reset, "python")["metadata"]["managedFields"] == []


def test_apply_creates():
    merged = apply(None, config(replicas=2, image="nginx:1", labels={"a": "b"}))
    assert merged["spec"]["replicas"] == 2
    assert merged["metadata"]["managedFields"] == [{
        "manager": "me", "operation": "Apply", "apiVersion": "apps/v1", "time": LATE, "fieldsType": "FieldsV1", "fieldsV1": {
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {WEB: {".": {}, "f:name": {}, "f:image": {}}}}}}}}]


def test_conflicts():
    live = created()
    with pytest.raises(ApiError) as raised:
        apply(live, config(replicas=3))
    assert raised.value.code == 409 and raised.value.reason == "Conflict"
    assert raised.value.message == 'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas'
    assert raised.value.details["causes"] == [{
        "reason": "FieldManagerConflict", "message": 'conflict with "kubectl-create" using apps/v1', "field": ".spec.replicas"}]
    with pytest.raises(ApiError) as raised:
        apply(live, config(replicas=3, image="nginx:2"))
    assert raised.value.message == (
        'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:\n- .spec.replicas\n'
        '- .spec.template.spec.containers[name="web"].image')


def test_conflict_with_another_applier_and_a_subresource():
    live = apply(None, config(replicas=1), "first")
    with pytest.raises(ApiError, match=r'conflict with "first": \.spec\.replicas'):
        apply(live, config(replicas=2), "second")
    scaled = update(live, {**live, "spec": {"replicas": 5}}, "kubectl", subresource="scale")
    with pytest.raises(ApiError, match=r'conflict with "kubectl" with subresource "scale" using apps/v1: \.spec\.replicas'):
        apply(scaled, config(replicas=1), "first")


def test_same_value_is_shared_and_force_takes_over():
    shared = apply(created(), config(replicas=1))
    assert "f:replicas" in fields(shared, "me")["f:spec"] and "f:replicas" in fields(shared, "kubectl-create")["f:spec"]
    forced = apply(created(), config(replicas=3), force=True)
    assert forced["spec"]["replicas"] == 3
    assert "f:replicas" not in fields(forced, "kubectl-create")["f:spec"]


def test_fields_no_longer_applied_go_unless_others_own_them():
    live = apply(None, config(labels={"a": "1", "b": "2"}, containers=[{"name": "web", "image": "x"}, {"name": "side", "image": "y"}]))
    labelled = {**live, "metadata": {**live["metadata"], "labels": {"a": "1", "b": "9"}}}
    live = update(live, labelled, "kubectl-label")
    merged = apply(live, config(image="x"))
    assert merged["spec"]["template"]["spec"]["containers"] == [{"name": "web", "image": "x"}]
    assert merged["metadata"]["labels"] == {"b": "9"}
    assert "f:labels" not in fields(merged, "me").get("f:metadata", {})


def test_fields_never_owned_stay():
    live = apply(None, config(image="x"))
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    live["spec"]["replicas"] = 1
    merged = apply(live, config(image="z"))
    assert merged["spec"]["replicas"] == 1
    assert merged["spec"]["template"]["spec"]["containers"] == [{"name": "web", "image": "z", "imagePullPolicy": "Always"}]


def test_merged_lists_keep_the_live_order_around_the_applied_one():
    containers = [{"name": n, "image": "i"} for n in ("a", "b", "c")]
    live = update(None, config(containers=containers), "other")
    merged = apply(live, config(containers=[{"name": "c"}, {"name": "new"}]), "me")
    assert [c["name"] for c in merged["spec"]["template"]["spec"]["containers"]] == ["a", "b", "c", "new"]


def test_atomic_values_are_owned_whole():
    live = apply(None, {**config(), "spec": {"selector": {"matchLabels": {"a": "1"}}}})
    assert fields(live, "me") == {"f:spec": {"f:selector": {}}}
    with pytest.raises(ApiError, match=r'conflict with "me": \.spec\.selector'):
        apply(live, {**config(), "spec": {"selector": {"matchLabels": {"a": "1", "b": "2"}}}}, "other")


def test_sets_are_merged_by_value():
    live = apply(None, {**config(), "metadata": {"name": "d", "finalizers": ["x/a"]}}, "one")
    both = apply(live, {**config(), "metadata": {"name": "d", "finalizers": ["x/b"]}}, "two")
    assert both["metadata"]["finalizers"] == ["x/a", "x/b"]
    assert fields(both, "two") == {"f:metadata": {"f:finalizers": {'v:"x/b"': {}}}}
    assert apply(both, config(), "one")["metadata"]["finalizers"] == ["x/b"]


def test_apply_again_is_a_no_op():
    live = apply(created(), config(replicas=1, image="nginx:1"), now=EARLY)
    assert apply(live, config(replicas=1, image="nginx:1"), now=LATE) == live


def test_status_is_not_applied_through_the_main_resource():
    merged = apply(None, {**config(replicas=1), "status": {"replicas": 7}})
    assert "status" not in merged and fields(merged, "me") == {"f:spec": {"f:replicas": {}}}


def test_kubectl_takes_over_from_client_side_apply():
    obj = copy.deepcopy(OBJECT)
    obj["metadata"]["annotations"] = {managedfields.LAST_APPLIED: '{"metadata":{"name":"d"},"spec":{"replicas":1}}'}
    live = update(None, obj, "kubectl-client-side-apply")
    assert apply(live, config(replicas=4), "kubectl")["spec"]["replicas"] == 4
    with pytest.raises(ApiError, match="image"):
        apply(live, config(replicas=4, image="nginx:9"), "kubectl")
    with pytest.raises(ApiError, match="replicas"):
        apply(live, config(replicas=4), "other")


def test_doubled_list_items_of_the_live_object_are_kept():
    live = created()
    live["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    merged = apply(live, config(image="nginx:1"))
    assert len(merged["spec"]["template"]["spec"]["containers"][0]["env"]) == 2


def test_what_cannot_be_tracked_is_refused():
    type_ = schema.type_of(*DEPLOYMENT)
    managedfields.check_applied(type_, OBJECT, DEPLOYMENT)
    with pytest.raises(ApiError) as raised:
        managedfields.check_applied(type_, {**config(), "spec": {"bogus": 1}}, DEPLOYMENT)
    text = "failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.bogus: field not declared in schema"
    assert raised.value.message == text
    doubled = config(containers=[{"name": "a"}, {"name": "a"}])
    with pytest.raises(ApiError, match=r'\.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]'):
        managedfields.check_applied(type_, doubled, DEPLOYMENT)


def test_status_sent_to_the_main_resource_is_not_owned():
    obj = {**OBJECT, "status": {"replicas": 1}}
    assert "f:status" not in fields(update(None, obj, "kubectl-create"), "kubectl-create")
