import copy

import pytest
from api import CONTAINER, Api, pod

from kubeschool.practice.apiserver.resources.pods import qos_class


@pytest.fixture
def api():
    return Api()


def test_a_pod_gets_the_defaults_a_learner_sees_in_its_yaml(api):
    spec = api.create("pods", pod())["spec"]
    assert {k: spec[k] for k in ("restartPolicy", "dnsPolicy", "schedulerName", "terminationGracePeriodSeconds", "enableServiceLinks")} == {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "enableServiceLinks": True,
    }
    assert spec["securityContext"] == {}
    container = spec["containers"][0]
    assert (container["imagePullPolicy"], container["terminationMessagePolicy"]) == ("IfNotPresent", "File")


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/a", "Always"),
        ("a@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(api, image, policy):
    made = api.create("pods", pod(containers=[{"name": "c", "image": image}]))
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_new_pod_is_pending_whatever_the_client_says(api):
    made = api.create("pods", pod() | {"status": {"phase": "Running"}})
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert made["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1024Mi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_qos_class(resources, expected):
    assert qos_class({"containers": [{"resources": resources}]}) == expected


def test_limits_without_requests_are_requests_too(api):
    made = api.create("pods", pod(containers=[CONTAINER | {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]))
    assert made["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert made["status"]["qosClass"] == "Guaranteed"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"containers": []}, "spec.containers: Required value"),
        ({"restartPolicy": "x"}, 'spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never"'),
        ({"containers": [{"name": "c"}]}, "spec.containers[0].image: Required value"),
        (
            {"containers": [CONTAINER | {"ports": [{"containerPort": 70000}]}]},
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"containers": [CONTAINER | {"volumeMounts": [{"name": "v", "mountPath": "/x"}]}]},
            'spec.containers[0].volumeMounts[0].name: Not found: "v"',
        ),
        (
            {"containers": [CONTAINER | {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}]},
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            {"containers": [CONTAINER | {"livenessProbe": {}}]},
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
        ),
        (
            {"containers": [CONTAINER | {"livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}}]},
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        ({"containers": [CONTAINER, CONTAINER]}, 'spec.containers[1].name: Duplicate value: "c"'),
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
        ),
        (
            {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}]},
            "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
        ({"dnsPolicy": "None"}, "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
    ],
)
def test_invalid_pods_are_refused_in_upstreams_words(api, spec, message):
    assert api.refused(api.create, "pods", pod(**spec)) == f'Pod "web" is invalid: {message}'


def test_a_bad_name_and_label_are_refused(api):
    message = api.refused(api.create, "pods", pod("Web_1"))
    assert message.startswith(
        'Pod "Web_1" is invalid: metadata.name: Invalid value: "Web_1": a lowercase RFC 1123 subdomain must consist of'
    )
    message = api.refused(api.create, "pods", pod(labels={"a": "b c"}))
    assert 'metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters' in message


def changed(obj: dict, **container) -> dict:
    obj = copy.deepcopy(obj)
    obj["spec"]["containers"][0] |= container
    return obj


def test_an_update_may_change_the_image_but_not_the_environment(api):
    made = api.create("pods", pod())
    made = api.update("pods", changed(made, image="nginx:1.26"))
    assert made["metadata"]["generation"] == 2
    message = api.refused(api.update, "pods", changed(made, env=[{"name": "A", "value": "1"}]))
    first, *diff = message.splitlines()
    assert first == (
        'Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,'
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    assert diff[0].startswith("@@ -")
    assert '-   "Env": null,' in diff
    assert '+     "Name": "A",' in diff


def test_an_update_may_not_add_containers(api):
    made = copy.deepcopy(api.create("pods", pod()))
    made["spec"]["containers"].append({"name": "d", "image": "e"})
    assert api.refused(api.update, "pods", made).endswith("spec.containers: Forbidden: pod updates may not add or remove containers")


def test_a_deadline_can_only_come_closer(api):
    api.create("pods", pod())
    api.patch("pods", "web", {"spec": {"activeDeadlineSeconds": 5}})
    message = api.refused(api.patch, "pods", "web", {"spec": {"activeDeadlineSeconds": 6}})
    assert message.endswith("spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value")


def test_binding_gives_the_node_once(api):
    api.create("pods", pod())
    api.post("pods", "web", "binding", {"target": {"kind": "Node", "name": "n1"}})
    bound = api.get("pods", "web")
    assert bound["spec"]["nodeName"] == "n1"
    assert [(c["type"], c["status"]) for c in bound["status"]["conditions"]] == [("PodScheduled", "True")]
    message = api.refused(api.post, "pods", "web", "binding", {"target": {"kind": "Node", "name": "n2"}})
    assert message == 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"'


def test_deletion_is_graceful_once_a_node_has_the_pod(api):
    api.create("pods", pod("unscheduled"))
    api.delete("pods", "unscheduled")
    assert "not found" in api.refused(api.get, "pods", "unscheduled")
    api.create("pods", pod())
    api.post("pods", "web", "binding", {"target": {"name": "n1"}})
    assert api.delete("pods", "web")["metadata"]["deletionGracePeriodSeconds"] == 30
    assert api.delete("pods", "web", grace=5)["metadata"]["deletionGracePeriodSeconds"] == 5
    assert api.delete("pods", "web", grace=60)["metadata"]["deletionGracePeriodSeconds"] == 5
    api.delete("pods", "web", grace=0)
    assert "not found" in api.refused(api.get, "pods", "web")


def test_ephemeral_containers_come_through_their_subresource_only(api):
    api.create("pods", pod())
    debugger = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    made = api.patch("pods", "web", debugger, "ephemeralcontainers", "strategic")
    assert made["spec"]["ephemeralContainers"][0]["terminationMessagePolicy"] == "File"
    message = api.refused(api.patch, "pods", "web", {"spec": {"ephemeralContainers": []}}, "ephemeralcontainers")
    assert 'existing ephemeral containers "debug" may not be removed' in message


def test_resize_changes_resources_only(api):
    api.create("pods", pod(containers=[CONTAINER | {"resources": {"requests": {"cpu": "1"}}}]))
    patch = {"spec": {"hostname": "other", "containers": [{"name": "c", "resources": {"requests": {"cpu": "2"}}}]}}
    made = api.patch("pods", "web", patch, "resize", "strategic")
    assert made["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}
    assert "hostname" not in made["spec"]


# -- the STATUS column ------------------------------------------------------------------------------------


def state(name: str, ready: bool = False, restarts: int = 0, last: dict | None = None, **state) -> dict:
    base = {"name": name, "ready": ready, "restartCount": restarts, "state": state, "image": "i", "imageID": "", "started": ready}
    return base | ({"lastState": {"terminated": last}} if last else {})


def ended(code: int, reason: str = "", **more) -> dict:
    return {"exitCode": code, **({"reason": reason} if reason else {}), **more}


READY = [{"type": "Ready", "status": "True"}]
INITIALIZED = [{"type": "Initialized", "status": "True"}]


@pytest.mark.parametrize(
    ("spec", "status", "ready", "shown"),
    [
        ({}, {"phase": "Pending"}, "0/1", "Pending"),
        ({}, {"phase": "Pending", "containerStatuses": [state("c", waiting={"reason": "ContainerCreating"})]}, "0/1", "ContainerCreating"),
        ({}, {"phase": "Running", "containerStatuses": [state("c", True, running={})]}, "1/1", "Running"),
        ({}, {"phase": "Running", "containerStatuses": [state("c", running={})]}, "0/1", "Running"),
        ({}, {"phase": "Running", "containerStatuses": [state("c", waiting={"reason": "CrashLoopBackOff"})]}, "0/1", "CrashLoopBackOff"),
        ({}, {"phase": "Succeeded", "containerStatuses": [state("c", terminated=ended(0, "Completed"))]}, "0/1", "Completed"),
        ({}, {"phase": "Failed", "containerStatuses": [state("c", terminated=ended(137, "OOMKilled"))]}, "0/1", "OOMKilled"),
        ({}, {"phase": "Failed", "containerStatuses": [state("c", terminated=ended(1))]}, "0/1", "ExitCode:1"),
        ({}, {"phase": "Failed", "containerStatuses": [state("c", terminated=ended(137, signal=9))]}, "0/1", "Signal:9"),
        ({}, {"phase": "Failed", "reason": "Evicted"}, "0/1", "Evicted"),
        (
            {"initContainers": [{"name": "i", "image": "x"}, {"name": "j", "image": "x"}]},
            {
                "phase": "Pending",
                "initContainerStatuses": [state("i", terminated=ended(0, "Completed")), state("j", running={})],
                "containerStatuses": [state("c", waiting={"reason": "PodInitializing"})],
            },
            "0/1",
            "Init:1/2",
        ),
        (
            {"initContainers": [{"name": "i", "image": "x"}]},
            {"phase": "Pending", "initContainerStatuses": [state("i", waiting={"reason": "CrashLoopBackOff"})]},
            "0/1",
            "Init:CrashLoopBackOff",
        ),
        (
            {"initContainers": [{"name": "i", "image": "x"}]},
            {"phase": "Pending", "initContainerStatuses": [state("i", terminated=ended(3))]},
            "0/1",
            "Init:ExitCode:3",
        ),
        (
            {"initContainers": [{"name": "s", "image": "x", "restartPolicy": "Always"}]},
            {
                "phase": "Running",
                "initContainerStatuses": [state("s", True, running={})],
                "containerStatuses": [state("c", True, running={})],
            },
            "2/2",
            "Running",
        ),
        (
            {"containers": [CONTAINER, {"name": "d", "image": "x"}]},
            {
                "phase": "Running",
                "conditions": READY + INITIALIZED,
                "containerStatuses": [state("c", terminated=ended(0, "Completed")), state("d", True, running={})],
            },
            "1/2",
            "Running",
        ),
    ],
)
def test_the_status_column(api, spec, status, ready, shown):
    api.create("pods", pod(**spec))
    api.patch("pods", "web", {"status": status}, "status")
    row = api.row("pods", "web")
    assert (row["Ready"], row["Status"]) == (ready, shown)


def test_restarts_tell_when_the_last_one_was(api):
    api.create("pods", pod())
    last = ended(1, "Error", finishedAt="2020-01-01T00:00:00Z")
    api.patch("pods", "web", {"status": {"containerStatuses": [state("c", True, 3, last, running={})]}}, "status")
    assert api.row("pods", "web")["Restarts"].startswith("3 (")


def test_a_pod_being_deleted_is_terminating_until_its_phase_is_final(api):
    api.create("pods", pod())
    api.post("pods", "web", "binding", {"target": {"name": "n1"}})
    api.delete("pods", "web")
    assert api.row("pods", "web")["Status"] == "Terminating"
    api.patch("pods", "web", {"status": {"phase": "Failed"}}, "status")
    assert api.row("pods", "web")["Status"] == "Failed"


# -- eviction ---------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(api):
    """A running pod and a budget that selects it."""
    api.create("pods", pod(labels={"app": "web"}))
    api.post("pods", "web", "binding", {"target": {"name": "n1"}})
    api.patch("pods", "web", {"status": {"phase": "Running", "conditions": READY}}, "status")
    budget = {"metadata": {"name": "guard"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}
    api.create("poddisruptionbudgets.policy", budget)
    return api


def evict(api):
    return api.post("pods", "web", "eviction", {"metadata": {"name": "web"}})


def test_eviction_is_refused_while_the_budget_allows_none(guarded):
    status = {"observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1, "currentHealthy": 1, "expectedPods": 1}
    guarded.patch("poddisruptionbudgets.policy", "guard", {"status": status}, "status")
    with pytest.raises(Exception) as refusal:
        evict(guarded)
    assert refusal.value.code == 429
    assert refusal.value.message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refusal.value.details["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget guard needs 1 healthy pods and has 1 currently"}
    ]


def test_an_allowed_eviction_takes_from_the_budget_and_deletes_the_pod(guarded):
    status = {"observedGeneration": 1, "disruptionsAllowed": 1, "desiredHealthy": 0, "currentHealthy": 1, "expectedPods": 1}
    guarded.patch("poddisruptionbudgets.policy", "guard", {"status": status}, "status")
    evict(guarded)
    budget = guarded.get("poddisruptionbudgets.policy", "guard")["status"]
    assert (budget["disruptionsAllowed"], list(budget["disruptedPods"])) == (0, ["web"])
    gone = guarded.get("pods", "web")
    assert "deletionTimestamp" in gone["metadata"]
    assert [c["reason"] for c in gone["status"]["conditions"] if c["type"] == "DisruptionTarget"] == ["EvictionByEvictionAPI"]
