"""The rules of the remaining kinds that a learner meets, one or two each."""

import base64
import copy
import json
from pathlib import Path

import pytest
from api import ADMIN, CONTAINER, Api, pod

from kubeschool.practice.apiserver.authentication import ServiceAccountTokens
from kubeschool.practice.apiserver.discovery import Discovery
from kubeschool.practice.apiserver.resources import RESOURCES
from kubeschool.practice.apiserver.user import User


@pytest.fixture
def api():
    return Api()


def test_every_kind_fills_its_columns_and_answers_for_field_selectors():
    for resource in RESOURCES:
        assert resource.fields({"metadata": {}}) is not None, resource.name
        assert len({c.name for c in resource.columns}) == len(resource.columns), resource.name


def test_discovery_lists_groups_in_upstreams_order():
    body, _ = Discovery(RESOURCES).aggregated(core=False)
    groups = [item["metadata"]["name"] for item in json.loads(body)["items"]]
    assert groups[:4] == ["apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io"]
    assert [v["version"] for item in json.loads(body)["items"] if item["metadata"]["name"] == "autoscaling" for v in item["versions"]] == [
        "v2",
        "v1",
    ]


# -- namespaces -------------------------------------------------------------------------------------------


def test_a_namespace_waits_for_its_finalizer(api):
    made = api.create("namespaces", {"metadata": {"name": "shop"}})
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    assert (made["spec"], made["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    going = api.delete("namespaces", "shop")
    assert going["status"]["phase"] == "Terminating"
    assert api.delete("namespaces", "shop")["metadata"]["deletionTimestamp"] == going["metadata"]["deletionTimestamp"]
    finalized = copy.deepcopy(api.get("namespaces", "shop"))
    finalized["spec"]["finalizers"] = []
    assert api.update("namespaces", copy.deepcopy(finalized))["spec"]["finalizers"] == ["kubernetes"]
    finalized["metadata"].pop("resourceVersion")
    api.update("namespaces", finalized, "finalize")
    assert "not found" in api.refused(api.get, "namespaces", "shop")


# -- configuration ----------------------------------------------------------------------------------------


def test_string_data_becomes_data(api):
    made = api.create("secrets", {"metadata": {"name": "s"}, "stringData": {"password": "geheim"}})
    assert made["data"] == {"password": base64.b64encode(b"geheim").decode()}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


@pytest.mark.parametrize("resource", ["configmaps", "secrets"])
def test_what_is_immutable_stays(api, resource):
    api.create(resource, {"metadata": {"name": "c"}, "data": {"a": "eA=="}, "immutable": True})
    message = api.refused(api.patch, resource, "c", {"data": {"a": "eQ=="}})
    assert message.endswith("data: Forbidden: field is immutable when `immutable` is set")
    message = api.refused(api.patch, resource, "c", {"immutable": False})
    assert message.endswith("immutable: Forbidden: field is immutable when `immutable` is set")


def test_a_bad_key_is_refused(api):
    message = api.refused(api.create, "configmaps", {"metadata": {"name": "c"}, "data": {"a b": "x"}})
    assert message.startswith('ConfigMap "c" is invalid: data[a b]: Invalid value: "a b": a valid config key must consist of')


def test_a_tls_secret_needs_both_files(api):
    message = api.refused(api.create, "secrets", {"metadata": {"name": "t"}, "type": "kubernetes.io/tls"})
    assert message == 'Secret "t" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]'


# -- events -----------------------------------------------------------------------------------------------


def test_events_of_both_groups_are_the_same_objects(api):
    event = {
        "metadata": {"name": "web.1"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "default-scheduler",
        "reportingInstance": "x",
        "action": "Binding",
        "reason": "Scheduled",
        "note": "Successfully assigned default/web to n1",
        "type": "Normal",
    }
    api.create("events.events.k8s.io", event)
    core = api.get("events", "web.1")
    assert (core["apiVersion"], core["involvedObject"]["name"], core["message"]) == ("v1", "web", event["note"])
    row = api.row("events", "web.1")
    assert (row["Object"], row["Reason"], row["Source"], row["Count"]) == ("pod/web", "Scheduled", "default-scheduler", 1)
    listed = api.registry.list(api.request("list", "events", core), fields="involvedObject.name=web,reason=Scheduled")
    assert [s.key[2] for s in listed] == ["web.1"]


# -- volumes ----------------------------------------------------------------------------------------------


def claim(**spec) -> dict:
    base = {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard", "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": "data"}, "spec": base | spec}


def test_a_claim_is_pending_and_protected(api):
    made = api.create("persistentvolumeclaims", claim())
    assert (made["status"], made["spec"]["volumeMode"]) == ({"phase": "Pending"}, "Filesystem")
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    api.delete("persistentvolumeclaims", "data")
    assert api.row("persistentvolumeclaims", "data")["Status"] == "Terminating"


def test_a_claims_spec_is_immutable(api):
    api.create("persistentvolumeclaims", claim())
    message = api.refused(api.patch, "persistentvolumeclaims", "data", {"spec": {"accessModes": ["ReadWriteMany"]}})
    first, *diff = message.splitlines()
    assert first.endswith("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
    assert '-  "ReadWriteOnce"' in diff
    assert '+  "ReadWriteMany"' in diff


def test_a_volume_needs_one_source(api):
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    message = api.refused(api.create, "persistentvolumes", {"metadata": {"name": "v"}, "spec": spec})
    assert message == 'PersistentVolume "v" is invalid: spec: Required value: must specify a volume type'
    api.create("persistentvolumes", {"metadata": {"name": "v"}, "spec": spec | {"hostPath": {"path": "/x"}}})
    row = api.row("persistentvolumes", "v")
    assert (row["Capacity"], row["Access Modes"], row["Reclaim Policy"]) == ("1Gi", "RWO", "Retain")


def test_the_default_class_is_marked(api):
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    api.create("storageclasses.storage.k8s.io", {"metadata": {"name": "standard", "annotations": annotations}, "provisioner": "p"})
    row = api.row("storageclasses.storage.k8s.io", "standard")
    assert (row["Name"], row["ReclaimPolicy"], row["VolumeBindingMode"]) == ("standard (default)", "Delete", "Immediate")


# -- nodes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ready", "unschedulable", "shown"),
    [("True", False, "Ready"), ("False", False, "NotReady"), ("Unknown", True, "NotReady,SchedulingDisabled"), (None, False, "Unknown")],
)
def test_node_columns(api, ready, unschedulable, shown):
    labels = {"node-role.kubernetes.io/control-plane": ""}
    status = {"conditions": [{"type": "Ready", "status": ready}]} if ready else {}
    api.create("nodes", {"metadata": {"name": "n", "labels": labels}, "spec": {"unschedulable": unschedulable}, "status": status})
    row = api.row("nodes", "n")
    assert (row["Status"], row["Roles"], row["External-IP"]) == (shown, "control-plane", "<none>")


# -- identity ---------------------------------------------------------------------------------------------


def test_a_service_account_gets_tokens(tmp_path: Path):
    api = Api(ServiceAccountTokens(tmp_path / "sa.key"))
    answer = api.post("serviceaccounts", "default", "token", {"spec": {"expirationSeconds": 600}})
    user, _ = api.registry.tokens.verify(answer["status"]["token"])
    assert user.name == "system:serviceaccount:default:default"
    message = api.refused(api.post, "serviceaccounts", "default", "token", {"spec": {"expirationSeconds": 5}})
    assert message.endswith("spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes")
    review = api.create("tokenreviews.authentication.k8s.io", {"metadata": {}, "spec": {"token": answer["status"]["token"]}})
    assert review["status"]["user"]["username"] == user.name


def test_a_token_bound_to_a_secret_goes_with_it(tmp_path: Path):
    api = Api(ServiceAccountTokens(tmp_path / "sa.key"))
    api.create("secrets", {"metadata": {"name": "s"}})
    bound = {"kind": "Secret", "apiVersion": "v1", "name": "s"}
    token = api.post("serviceaccounts", "default", "token", {"spec": {"boundObjectRef": bound}})["status"]["token"]
    review = {"metadata": {}, "spec": {"token": token}}
    assert api.create("tokenreviews.authentication.k8s.io", review)["status"]["authenticated"]
    api.delete("secrets", "s")
    assert "authenticated" not in api.create("tokenreviews.authentication.k8s.io", review)["status"]


def test_whoami_and_can_i(api):
    someone = User("jane", ("system:authenticated",))
    review = api.create("selfsubjectreviews.authentication.k8s.io", {"metadata": {}}, user=someone)
    assert review["status"]["userInfo"] == {"username": "jane", "groups": ["system:authenticated"]}
    asked = {"metadata": {}, "spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}}
    name = "selfsubjectaccessreviews.authorization.k8s.io"
    assert api.create(name, asked, user=someone)["status"] == {"allowed": False}
    assert api.create(name, asked, user=ADMIN)["status"]["allowed"]


RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
EDIT_ROLES = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["create"]}


def test_nobody_grants_what_they_do_not_have(api):
    api.create("roles.rbac.authorization.k8s.io", {"metadata": {"name": "editor"}, "rules": [EDIT_ROLES]})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "editor"}
    binding = {"metadata": {"name": "jane"}, "roleRef": ref, "subjects": [{"kind": "User", "name": "jane"}]}
    made = api.create("rolebindings.rbac.authorization.k8s.io", binding)
    assert made["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    jane = User("jane", ("system:authenticated",))
    role = {"metadata": {"name": "reader"}, "rules": [RULE]}
    message = api.refused(api.create, "roles.rbac.authorization.k8s.io", role, user=jane)
    assert message == (
        'roles.rbac.authorization.k8s.io "reader" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting to grant '
        'RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'
    )
    api.create("roles.rbac.authorization.k8s.io", role)
    binding["metadata"]["name"], binding["roleRef"] = "self", ref | {"name": "reader"}
    assert "is attempting to grant" in api.refused(api.create, "rolebindings.rbac.authorization.k8s.io", binding, user=jane)
    message = api.refused(api.patch, "rolebindings.rbac.authorization.k8s.io", "jane", {"roleRef": {"name": "reader"}})
    assert message.endswith("cannot change roleRef")


def test_a_signing_request_says_who_asked_and_can_be_approved(api):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jane")])
    key = ec.generate_private_key(ec.SECP256R1())
    pem = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    spec = {
        "request": base64.b64encode(pem).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "username": "root",
    }
    name = "certificatesigningrequests.certificates.k8s.io"
    made = api.create(name, {"metadata": {"name": "jane"}, "spec": spec})
    assert made["spec"]["username"] == "admin"
    assert api.row(name, "jane")["Condition"] == "Pending"
    conditions = [{"type": "Approved", "status": "True", "reason": "KubectlApprove"}]
    approved = api.patch(name, "jane", {"status": {"conditions": conditions, "certificate": "eA=="}}, "approval")
    assert api.row(name, "jane")["Condition"] == "Approved"
    assert "certificate" not in approved["status"]
    conditions.append({"type": "Denied", "status": "True"})
    message = api.refused(api.patch, name, "jane", {"status": {"conditions": conditions}}, "approval")
    assert "Approved and Denied conditions are mutually exclusive" in message


# -- the rest ---------------------------------------------------------------------------------------------


def test_an_ingress_path_needs_a_type(api):
    paths = [{"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]
    ingress = {"metadata": {"name": "web"}, "spec": {"rules": [{"host": "web.example.com", "http": {"paths": paths}}]}}
    message = api.refused(api.create, "ingresses.networking.k8s.io", ingress)
    assert message.endswith("spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified")
    paths[0]["pathType"] = "Prefix"
    api.create("ingresses.networking.k8s.io", ingress)
    row = api.row("ingresses.networking.k8s.io", "web")
    assert (row["Class"], row["Hosts"], row["Address"], row["Ports"]) == ("<none>", "web.example.com", "", "80")


def test_a_network_policy_gets_its_types(api):
    policy = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, "egress": [{}]}}
    made = api.create("networkpolicies.networking.k8s.io", policy)
    assert made["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_a_budget_says_one_thing(api):
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "maxUnavailable": 1}}
    message = api.refused(api.create, "poddisruptionbudgets.policy", budget)
    assert message.endswith("minAvailable and maxUnavailable cannot be both set")


def test_a_definition_of_a_custom_resource_is_checked(api):
    name = "customresourcedefinitions.apiextensions.k8s.io"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": {"plural": "shops", "kind": "Shop"}, "versions": [version]}
    made = api.create(name, {"metadata": {"name": "shops.example.com"}, "spec": spec})
    assert (made["spec"]["names"]["singular"], made["spec"]["names"]["listKind"]) == ("shop", "ShopList")
    assert made["status"]["storedVersions"] == ["v1"]
    message = api.refused(api.create, name, {"metadata": {"name": "shop.example.com"}, "spec": spec})
    assert message.endswith('metadata.name: Invalid value: "shop.example.com": must be spec.names.plural+"."+spec.group')


def test_owners_and_finalizers_are_checked(api):
    bad = pod()
    bad["metadata"]["finalizers"] = ["mine"]
    message = api.refused(api.create, "pods", bad)
    assert message.endswith(
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'
    )
    made = api.create("configmaps", {"metadata": {"name": "c", "finalizers": ["a.example/b"]}})
    api.delete("configmaps", "c")
    made = copy.deepcopy(api.get("configmaps", "c"))
    made["metadata"]["finalizers"] = ["a.example/b", "a.example/c"]
    message = api.refused(api.update, "configmaps", made)
    assert 'no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.example/c"}' in message


def test_a_bad_pod_template_is_refused_wherever_it_is(api):
    template = {"metadata": {"name": "t"}, "template": {"spec": {"containers": [CONTAINER | {"imagePullPolicy": "x"}]}}}
    message = api.refused(api.create, "podtemplates", template)
    assert message.startswith('PodTemplate "t" is invalid: template.spec.containers[0].imagePullPolicy: Unsupported value: "x"')
