import copy

import pytest
from api import CONTAINER, Api, pod, workload


@pytest.fixture
def api():
    return Api()


def limited(**resources) -> dict:
    return pod(containers=[CONTAINER | {"resources": resources}])


# -- namespaces -------------------------------------------------------------------------------------------


def test_nothing_is_made_in_a_namespace_that_is_missing(api):
    obj = {"metadata": {"name": "c", "namespace": "nope"}}
    assert api.refused(api.create, "configmaps", obj) == 'namespaces "nope" not found'


def test_nothing_is_made_in_a_namespace_that_is_going(api):
    api.create("namespaces", {"metadata": {"name": "shop"}})
    api.delete("namespaces", "shop")
    with pytest.raises(Exception) as refusal:
        api.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
    message = 'configmaps "c" is forbidden: unable to create new content in namespace shop because it is being terminated'
    assert (refusal.value.code, refusal.value.message) == (403, message)
    assert refusal.value.details["causes"][0]["reason"] == "NamespaceTerminating"


def test_the_default_namespace_stays(api):
    message = api.refused(api.delete, "namespaces", "default")
    assert message == 'namespaces "default" is forbidden: this namespace may not be deleted'


# -- pods -------------------------------------------------------------------------------------------------


def test_a_pod_gets_its_service_accounts_token(api):
    spec = api.create("pods", pod())["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    [volume] = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert volume["projected"]["sources"][0] == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    mount = {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    assert spec["containers"][0]["volumeMounts"] == [mount]


def test_no_token_where_none_is_wanted(api):
    assert "volumes" not in api.create("pods", pod(automountServiceAccountToken=False))["spec"]
    api.create("serviceaccounts", {"metadata": {"name": "quiet"}, "automountServiceAccountToken": False})
    assert "volumes" not in api.create("pods", pod("other", serviceAccountName="quiet"))["spec"]


def test_a_missing_service_account_is_named(api):
    message = api.refused(api.create, "pods", pod(serviceAccountName="nope"))
    assert message == 'pods "web" is forbidden: error looking up service account default/nope: serviceaccount "nope" not found'


def test_a_generated_name_is_not_yet_known_to_mutating_plugins(api):
    message = api.refused(api.create, "pods", {"metadata": {"generateName": "web-"}, "spec": pod(serviceAccountName="nope")["spec"]})
    assert message.startswith('pods "web-" is forbidden: error looking up service account')


def test_pods_tolerate_a_lost_node_for_five_minutes(api):
    tolerations = api.create("pods", pod())["spec"]["tolerations"]
    assert [(t["key"], t["effect"], t["tolerationSeconds"]) for t in tolerations] == [
        ("node.kubernetes.io/not-ready", "NoExecute", 300),
        ("node.kubernetes.io/unreachable", "NoExecute", 300),
    ]
    everything = api.create("pods", pod("other", tolerations=[{"operator": "Exists"}]))
    assert everything["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_priority_comes_from_the_class(api):
    assert api.create("pods", pod())["spec"]["priority"] == 0
    api.create("priorityclasses.scheduling.k8s.io", {"metadata": {"name": "high"}, "value": 1000})
    spec = api.create("pods", pod("other", priorityClassName="high"))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "PreemptLowerPriority")
    message = api.refused(api.create, "pods", pod("third", priorityClassName="nope"))
    assert message == 'pods "third" is forbidden: no PriorityClass with name nope was found'
    message = api.refused(api.create, "pods", pod("third", priority=5))
    assert message.endswith(
        "the integer value of priority (5) must not be provided in pod spec; "
        "priority admission controller computed 0 from the given PriorityClass name"
    )


def test_there_is_one_default_priority(api):
    api.create("priorityclasses.scheduling.k8s.io", {"metadata": {"name": "usual"}, "value": 10, "globalDefault": True})
    assert api.create("pods", pod())["spec"]["priorityClassName"] == "usual"
    second = {"metadata": {"name": "second"}, "value": 11, "globalDefault": True}
    message = api.refused(api.create, "priorityclasses.scheduling.k8s.io", second)
    assert message.endswith("PriorityClass usual is already marked as default. Only one default can exist")


# -- limits and quotas ------------------------------------------------------------------------------------


def limit_range(api, **limit):
    api.create("limitranges", {"metadata": {"name": "limits"}, "spec": {"limits": [{"type": "Container", **limit}]}})


def test_limit_ranges_give_defaults_and_say_so(api):
    limit_range(api, default={"cpu": "500m", "memory": "256Mi"}, defaultRequest={"cpu": "100m", "memory": "128Mi"})
    made = api.create("pods", pod())
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "256Mi"},
        "requests": {"cpu": "100m", "memory": "128Mi"},
    }
    assert made["status"]["qosClass"] == "Burstable"
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    }


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"limits": {"cpu": "2"}}, "[maximum cpu usage per Container is 1, but limit is 2]"),
        (
            {"limits": {"cpu": "50m"}, "requests": {"cpu": "50m"}},
            "[minimum cpu usage per Container is 100m, but request is 50m]",
        ),
    ],
)
def test_limit_ranges_bound_containers(api, resources, message):
    limit_range(api, max={"cpu": "1"}, min={"cpu": "100m"})
    assert api.refused(api.create, "pods", limited(**resources)) == f'pods "web" is forbidden: {message[1:-1]}'


def test_quotas_count_what_is_there(api):
    api.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1", "count/deployments.apps": "1"}}})
    api.create("pods", pod())
    message = api.refused(api.create, "pods", pod("second"))
    assert message == 'pods "second" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    api.delete("pods", "web")
    api.create("pods", pod("second"))
    api.create("deployments.apps", workload())
    message = api.refused(api.create, "deployments.apps", workload("other"))
    assert message == (
        'deployments.apps "other" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, '
        "used: count/deployments.apps=1, limited: count/deployments.apps=1"
    )


def test_quotas_on_resources_want_them_stated(api):
    api.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1", "limits.memory": "1Gi"}}})
    message = api.refused(api.create, "pods", pod())
    assert message == 'pods "web" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c'
    api.create("pods", limited(requests={"cpu": "600m"}, limits={"memory": "512Mi", "cpu": "1"}))
    second = limited(requests={"cpu": "600m"}, limits={"memory": "256Mi", "cpu": "1"})
    second["metadata"]["name"] = "second"
    message = api.refused(api.create, "pods", second)
    assert message.endswith("exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1")


def test_finished_pods_use_no_quota(api):
    api.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}})
    api.create("pods", pod())
    api.patch("pods", "web", {"status": {"phase": "Succeeded"}}, "status")
    api.create("pods", pod("second"))


def test_a_quota_may_cover_some_pods_only(api):
    spec = {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}
    api.create("resourcequotas", {"metadata": {"name": "q"}, "spec": spec})
    assert "exceeded quota" in api.refused(api.create, "pods", pod())
    api.create("pods", limited(requests={"cpu": "1"}))


# -- storage, nodes, security -----------------------------------------------------------------------------


def test_claims_get_the_default_class(api):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    api.create("storageclasses.storage.k8s.io", {"metadata": {"name": "standard", "annotations": annotations}, "provisioner": "p"})
    assert api.create("persistentvolumeclaims", {"metadata": {"name": "a"}, "spec": spec})["spec"]["storageClassName"] == "standard"
    none = {"metadata": {"name": "b"}, "spec": spec | {"storageClassName": ""}}
    assert api.create("persistentvolumeclaims", none)["spec"]["storageClassName"] == ""


def test_claims_grow_where_their_class_allows_it(api):
    api.create("storageclasses.storage.k8s.io", {"metadata": {"name": "fixed"}, "provisioner": "p"})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fixed"}
    api.create("persistentvolumeclaims", {"metadata": {"name": "a"}, "spec": spec | {"volumeName": "v"}})
    api.patch("persistentvolumeclaims", "a", {"status": {"phase": "Bound"}}, "status")
    bigger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    message = api.refused(api.patch, "persistentvolumeclaims", "a", bigger)
    assert message == (
        'persistentvolumeclaims "a" is forbidden: only dynamically provisioned pvc can be resized and '
        "the storageclass that provisions the pvc must support resize"
    )
    api.patch("storageclasses.storage.k8s.io", "fixed", {"allowVolumeExpansion": True})
    api.patch("persistentvolumeclaims", "a", bigger)
    smaller = api.refused(api.patch, "persistentvolumeclaims", "a", {"spec": {"resources": {"requests": {"storage": "1Gi"}}}})
    assert smaller.endswith("spec.resources.requests.storage: Forbidden: field can not be less than previous value")


def test_a_new_node_is_tainted(api):
    made = api.create("nodes", {"metadata": {"name": "n"}})
    assert made["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


RESTRICTED = (
    'violates PodSecurity "restricted:latest": '
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
)


def test_pod_security_is_enforced_for_pods(api):
    api.patch("namespaces", "default", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    assert api.refused(api.create, "pods", pod()) == f'pods "web" is forbidden: {RESTRICTED}'
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    api.create("pods", pod(containers=[CONTAINER | {"securityContext": safe}], securityContext=context))


def test_pod_security_warns_of_workloads(api):
    api.patch("namespaces", "default", {"metadata": {"labels": {"pod-security.kubernetes.io/warn": "restricted"}}})
    request = api.request("create", "deployments.apps", workload())
    api.registry.create(request, copy.deepcopy(workload()))
    assert request.warnings == [RESTRICTED.replace("violates", "would violate", 1)]


def test_the_baseline_refuses_what_reaches_the_host(api):
    api.patch("namespaces", "default", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    api.create("pods", pod())
    bad = pod("bad", hostNetwork=True, volumes=[{"name": "root", "hostPath": {"path": "/"}}])
    bad["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert api.refused(api.create, "pods", bad) == (
        'pods "bad" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), '
        'hostPath volumes (volume "root"), privileged (container "c" must not set securityContext.privileged=true)'
    )
